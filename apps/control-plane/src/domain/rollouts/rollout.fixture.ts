// What tests of rollouts and proposals ask for again and again.
import type { RolloutReport } from "@postern/contracts";
import { ACME, type TestPlane } from "../../control-plane.fixture.ts";

export const DRAFTS = "/v1/admin/policies/drafts";
export const ACTIVE = "/v1/admin/policies/active";
export const ROLLBACK = "/v1/admin/policies/rollback";
export const ROLLOUTS = "/v1/admin/policies/rollouts";
export const PROPOSALS = "/v1/admin/policies/proposals";
export const HISTORY = "/v1/admin/policies/history";

/** Asks as acme's admin. */
export function asAcme(plane: Pick<TestPlane, "request">) {
  return (method: string, path: string, body?: object) =>
    plane.request(method, path, body === undefined ? { token: ACME } : { token: ACME, body });
}

export async function draftOf(plane: Pick<TestPlane, "request">, name: string): Promise<string> {
  const body = { name, rego_source: `package intentgate.policy # ${name}` };
  return (await asAcme(plane)("POST", DRAFTS, body)).json.id;
}

/** Acme with a policy in force. */
export async function promoted(plane: Pick<TestPlane, "request">, name = "first"): Promise<string> {
  const draft = await draftOf(plane, name);
  await asAcme(plane)("POST", ACTIVE, { draft_id: draft });
  return draft;
}

/** A sidecar of acme that has booted: reports of its rollouts are taken. */
export async function reporter(plane: Pick<TestPlane, "request">) {
  const { json } = await plane.request("POST", "/v1/admin/sidecars", { body: { tenant: "acme" } });
  const token: string = json.credential;
  const boot = async (): Promise<number> =>
    (await plane.request("POST", "/v1/sidecar/register", { token, body: { version: "1" } })).json.epoch;
  return {
    boot,
    report: (rollout: string, report: RolloutReport) =>
      plane.request("POST", `/v1/sidecar/rollouts/${rollout}/report`, { token, body: report }),
  };
}

/** Of `compared` calls, that both policies were asked about, the candidate blocks `blocked` that the active one allows. */
export function reportOf(
  { compared = 0, blocked = 0, epoch = 1 }: { compared?: number; blocked?: number; epoch?: number },
  changes: Partial<RolloutReport> = {},
): RolloutReport {
  return {
    ...{ epoch, takes_part: true, loaded: true, compared, skipped: 0, load_failures: 0, samples: [] },
    active: { allowed: compared, blocked: 0, escalated: 0 },
    candidate: { allowed: compared - blocked, blocked, escalated: 0 },
    differences: {
      ...{ allow_to_block: blocked, allow_to_escalate: 0, block_to_allow: 0 },
      ...{ block_to_escalate: 0, escalate_to_allow: 0, escalate_to_block: 0 },
    },
    ...changes,
  };
}
