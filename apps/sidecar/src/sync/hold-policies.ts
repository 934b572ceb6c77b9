// The policy in force and the candidate beside it, each pursued by itself: whatever is wrong with a candidate, the active policy is loaded, kept
// and called current as if there were none. No policy older than the newest active one that was in force here is ever loaded into either seat.
import type { PolicyPointer, PolicyRollout } from "@postern/contracts";
import { toFault } from "@postern/fault";
import type { PolicyEngine } from "@postern/policy";
import type { PolicyArms } from "../rollout/policy-arms.ts";
import type { Surroundings } from "../surroundings.ts";
import { type LoadPolicyPorts, loadPolicy } from "./load-policy.ts";
import { createPolicyHolder, type PolicyHolder } from "./policy-holder.ts";

export interface HeldPolicies extends Pick<PolicyHolder, "heldVersion" | "problem" | "idle" | "stop"> {
  /** Sets the goals; null = no policy, and then no candidate either. */
  want(version: number, active: PolicyPointer | null, rollout: PolicyRollout | null): void;
  /** The highest revisions that were ever in force here. */
  floors(): { readonly policy_revision: number; readonly candidate_revision: number };
}

export interface HeldPoliciesPorts
  extends Omit<LoadPolicyPorts, "seat" | "wanted" | "engine">,
    Pick<Surroundings, "sleep" | "random" | "log" | "metrics"> {
  readonly engine: LoadPolicyPorts["engine"] & Pick<PolicyEngine, "clear">;
  readonly arms: Pick<PolicyArms, "follow" | "failed">;
  readonly floors: { readonly policy_revision: number; readonly candidate_revision: number };
  /** What is in force has changed. */
  readonly onReached: () => void;
}

export function holdPolicies(ports: HeldPoliciesPorts): HeldPolicies {
  const { arms, engine, floors, log, metrics, tenant } = ports;
  let goals: readonly PolicyPointer[] = [];
  const wanted = () => goals.map(({ digest }) => digest);

  const active = createPolicyHolder({
    ...ports,
    revisionFloor: floors.policy_revision,
    clear: () => engine.clear(tenant),
    load: (pointer, revisionMin) => loadPolicy({ ...ports, seat: "active", wanted }, pointer, revisionMin),
    onReached(pointer) {
      metrics.set("policyRevision", pointer?.revision ?? 0);
      metrics.set("policyExpires", pointer === undefined ? 0 : Date.parse(pointer.expires_at) / 1000);
      log.info("policy in force", { revision: pointer?.revision, digest: pointer?.digest });
      ports.onReached();
    },
  });
  const candidate = createPolicyHolder({
    ...ports,
    revisionFloor: floors.candidate_revision,
    clear: () => engine.clear(tenant, "candidate"),
    load(pointer, revisionMin) {
      const min = Math.max(revisionMin, active.revisionFloor() + 1);
      return loadPolicy({ ...ports, seat: "candidate", wanted }, pointer, min);
    },
    onReached(pointer) {
      if (pointer === undefined) return;
      log.info("candidate policy ready", { revision: pointer.revision, digest: pointer.digest });
      ports.onReached();
    },
    onFailed(caught) {
      const { code, message } = toFault(caught);
      if (isOfThePolicy(code)) arms.failed(message);
    },
  });

  return {
    want(version, pointer, rollout) {
      const tried = pointer === null ? null : rollout;
      const isWanted = arms.follow(tried);
      const beside = isWanted && tried !== null ? tried.candidate : null;
      goals = [pointer, beside].filter((goal) => goal !== null);
      active.want(version, pointer);
      candidate.want(version, beside);
    },
    floors: () => ({
      policy_revision: active.revisionFloor(),
      candidate_revision: candidate.revisionFloor(),
    }),
    heldVersion: active.heldVersion,
    problem: active.problem,
    async idle() {
      await active.idle();
      await candidate.idle();
    },
    stop() {
      active.stop();
      candidate.stop();
    },
  };
}

/** The policy itself cannot be used, other than that the way to it is closed or that it is not wanted any more. */
const isOfThePolicy = (code: string) => /^(bundle|policy)\./.test(code) && code !== "policy.superseded";
