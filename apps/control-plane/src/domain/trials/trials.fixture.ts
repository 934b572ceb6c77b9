// A control plane with calls in its log, as sidecars would have told of them, and dry runs over them.

import type { TestContext } from "node:test";
import { argumentsDigest, buildEvent } from "@postern/audit";
import type { AuditEvent, JsonObject, JsonValue } from "@postern/contracts";
import { ACME, type Engine, opaCompiler, type TestPlane, testPlane } from "../../control-plane.fixture.ts";
import { appendEvents } from "../audit/append.ts";

export const HEAD = "package intentgate.policy\n\n";
/** Allows what reads and small transfers, and denies the rest. */
export const LEDGER = `${HEAD}default decision := {"allow": false, "rule": "default_deny"}

decision := {"allow": true, "rule": "read"} if startswith(input.tool, "read_")

decision := {"allow": true, "rule": "small"} if {
	input.tool == "transfer_funds"
	input.args.amount <= 100
}
`;
export const ALLOW_ALL = `${HEAD}decision := {"allow": true, "rule": "all"}\n`;
export const DENY_ALL = `${HEAD}decision := {"allow": false, "reason": "No.", "rule": "none"}\n`;

const SALT = "5a".repeat(16);

export type PretendedCall = Partial<AuditEvent> & {
  /** What was called with; the event holds the digest of it, and the values as far as `stored` says. */
  readonly args?: JsonObject;
  readonly stored?: "full" | "keys" | "off";
};

/** A call that the policy allowed, unless the fields say otherwise. */
export function callEvent(fields: PretendedCall = {}): { event: AuditEvent; argsSalt: string } {
  const { args = {}, stored = "full", ...told } = fields;
  const event = buildEvent({
    ts: "2026-01-01T00:00:00.000Z",
    event: "intentgate.tool_call",
    decision: "allow",
    tenant: "acme",
    tool: "read_invoice",
    method: "tools/call",
    agent_id: "agent-7",
    event_id: "call-1",
    outcome: "executed",
    policy_revision: 1,
    upstream: "default",
    capability_token_id: "token-1",
    root_capability_token_id: "token-1",
    arg_keys: stored === "off" ? [] : Object.keys(args),
    arg_values: (stored === "full" ? args : {}) as AuditEvent["arg_values"],
    args_digest: argumentsDigest(SALT, args as JsonValue),
    ...told,
  });
  return { event, argsSalt: SALT };
}

export interface TrialPlane extends TestPlane {
  /** Puts calls into the log, one second apart, and returns their ids. */
  tell(calls: readonly PretendedCall[]): Promise<readonly string[]>;
  promote(rego: string): Promise<void>;
  dryRun(body: object, token?: string): ReturnType<TestPlane["request"]>;
}

export async function trialPlane(t: TestContext, engine: Engine): Promise<TrialPlane | undefined> {
  const compile = opaCompiler(t);
  const plane = compile && (await testPlane(t, engine, { compile }));
  if (plane === undefined) return undefined;
  let told = 0;
  return {
    ...plane,
    async tell(calls) {
      const events = calls.map((call) => {
        told += 1;
        const ts = new Date(plane.clock.nowMs() - 3_600_000 + told * 1000).toISOString();
        return callEvent({ event_id: `call-${told}`, ts, ...call });
      });
      const tenant = events[0]?.event.tenant ?? "acme";
      await plane.units.commit(plane.actor, (unit) => appendEvents(unit.executor, tenant, events));
      return events.map(({ event }) => event.event_id);
    },
    async promote(rego) {
      const body = { name: "active", rego_source: rego };
      const draft = await plane.request("POST", "/v1/admin/policies/drafts", { token: ACME, body });
      const promoted = await plane.request("POST", "/v1/admin/policies/active", {
        token: ACME,
        body: { draft_id: draft.json.id },
      });
      if (promoted.status !== 200) throw new Error(promoted.text);
    },
    dryRun: (body, token = ACME) => plane.request("POST", "/v1/admin/policies/dry-run", { token, body }),
  };
}
