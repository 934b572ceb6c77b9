// Which of two policies judges a call while a rollout runs, and what the other one would have said. The candidate judges where it is staged,
// ready, and this sidecar takes part; everywhere else and always the active policy does. The other one is asked after the answer is decided,
// never keeps a call waiting, and is left out when too many calls wait for it already.
import type { PolicyRollout, RolloutReport } from "@postern/contracts";
import { type Clock, Fault } from "@postern/fault";
import type { PolicyEngine, PolicyQuestion, PolicySeat, PolicyVerdict } from "@postern/policy";
import { createRolloutCount, kindOf, type RolloutCount, type VerdictKind } from "./rollout-count.ts";
import { type SidecarTraits, takesPart } from "./takes-part.ts";

export interface PolicyArms {
  /** As the judge asks it. */
  evaluate(tenant: string, question: PolicyQuestion): PolicyVerdict | Promise<PolicyVerdict>;
  active(tenant: string): ReturnType<PolicyEngine["active"]>;
  /** What is told of a rollout holds at once; null = there is none. Whether the candidate is to be loaded. */
  follow(rollout: PolicyRollout | null): boolean;
  /** The candidate turned out to be unusable. */
  failed(problem: string): void;
  /** What was counted of the latest rollout; undefined before the first one. */
  report(): { readonly rolloutId: string; readonly report: RolloutReport } | undefined;
}

export interface PolicyArmsPorts extends SidecarTraits {
  readonly tenant: string;
  readonly epoch: number;
  readonly engine: Pick<PolicyEngine, "evaluate" | "active">;
  readonly clock: Pick<Clock, "nowMs">;
  /** Does something as soon as nothing waits for it. Default: in the next turn of the loop. */
  readonly later?: (work: () => void) => void;
}

/** Calls that may wait for the other policy at once. */
const COMPARISONS_MAX = 8;

interface Running {
  readonly rollout: PolicyRollout;
  readonly takesPart: boolean;
  readonly expiresAtMs: number;
  readonly count: RolloutCount;
}

export function createPolicyArms(ports: PolicyArmsPorts): PolicyArms {
  const { engine, tenant, epoch, clock, later = (work) => void setImmediate(work) } = ports;
  let running: Running | undefined;
  let count: RolloutCount | undefined;
  let comparisons = 0;

  /** Ready for use, and not without a policy to go back to. */
  function isReady({ rollout, expiresAtMs, ...now }: Running): boolean {
    return (
      now.takesPart &&
      engine.active(tenant, "candidate")?.digest === rollout.candidate.digest &&
      engine.active(tenant) !== undefined &&
      clock.nowMs() < expiresAtMs
    );
  }

  function judge(now: Running, question: PolicyQuestion) {
    const ready = isReady(now);
    const seat = ready && now.rollout.mode === "staged" ? "candidate" : "active";
    // A list is no call, and a call that a person let pass was counted when it asked for one.
    const isCounted = question.action === "call" && question.approval === undefined;
    if (!isCounted) return engine.evaluate(tenant, question, seat);
    const asked = ready ? remembering(question) : undefined;
    const verdict = engine.evaluate(tenant, asked ?? question, seat);
    const note = (found: PolicyVerdict) => {
      const kind = kindOf(found);
      now.count.judged(seat, kind);
      if (asked !== undefined) compare(now, asked, seat, kind);
      return found;
    };
    return verdict instanceof Promise ? verdict.then(note) : note(verdict);
  }

  function compare(now: Running, question: PolicyQuestion, decided: PolicySeat, kind: VerdictKind): void {
    if (comparisons >= COMPARISONS_MAX) {
      now.count.skipped();
      return;
    }
    comparisons += 1;
    later(() => {
      void askOther(now, question, decided, kind).finally(() => {
        comparisons -= 1;
      });
    });
  }

  /** Never rejects. */
  async function askOther(now: Running, question: PolicyQuestion, decided: PolicySeat, kind: VerdictKind) {
    const other = decided === "active" ? "candidate" : "active";
    const meant = other === "candidate" ? now.rollout.candidate : engine.active(tenant);
    try {
      const verdict = await engine.evaluate(tenant, question, other);
      // It may be gone by now.
      const isGone = verdict.pointer === undefined || verdict.pointer.digest !== meant?.digest;
      if (isGone) throw new Fault("conflict", "rollout.over", "The other policy is gone.");
      const said = kindOf(verdict);
      now.count.judged(other, said);
      const [active, candidate] = other === "candidate" ? [kind, said] : [said, kind];
      const { tool, capability, requestId } = question;
      now.count.compared(active, candidate, { tool, agent: capability.agent, request_id: requestId });
    } catch {
      now.count.skipped();
    }
  }

  return {
    evaluate(of, question) {
      return running === undefined || of !== tenant
        ? engine.evaluate(of, question)
        : judge(running, question);
    },
    active: (of) => engine.active(of),

    follow(rollout) {
      if (rollout === null) {
        running = undefined;
        return false;
      }
      if (count?.rolloutId !== rollout.id) count = createRolloutCount(rollout.id, epoch);
      const expiresAtMs = Date.parse(rollout.candidate.expires_at);
      running = { rollout, takesPart: takesPart(rollout, ports), expiresAtMs, count };
      return running.takesPart;
    },

    failed: (problem) => count?.failed(problem),

    report() {
      if (count === undefined) return undefined;
      const told = {
        takes_part: running?.takesPart === true,
        loaded: running !== undefined && isReady(running),
      };
      return { rolloutId: count.rolloutId, report: count.report(told) };
    },
  };
}

/** The same question, which has one answer to what remains however late it is asked: the call itself uses some of it up. */
function remembering(question: PolicyQuestion): PolicyQuestion | undefined {
  try {
    const left = question.remaining();
    return { ...question, remaining: () => left };
  } catch {
    return undefined;
  }
}
