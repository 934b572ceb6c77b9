// The queue of acme over its two doors: sidecars that park and take calls, people who decide, and the sweeper.
import type { TestContext } from "node:test";
import type { ApprovalRequest, ApprovalTicket } from "@postern/contracts";
import {
  ACME,
  BETA,
  type Engine,
  planeOver,
  SUPERADMIN,
  type TestAnswer,
  type TestPlane,
  testPlane,
} from "../../control-plane.fixture.ts";
import type { AdminToken } from "../../surfaces/admin/auth.ts";
import type { Role } from "../../surfaces/admin/roles.ts";
import { expireApprovals } from "../../workers/expire-approvals.ts";
import { changeSettings, SettingsChange } from "../tenants/settings.ts";
import { parkedCall } from "./parked-call.fixture.ts";

const person = (name: string, ...roles: Role[]): AdminToken => ({
  token: `the-token-of-${name}`,
  principal: { kind: "operator", tenant: "acme", id: name, name, roles },
});

/** Tokens of people in acme. */
export const ANN = "the-token-of-ann";
export const BOB = "the-token-of-bob";
export const CAT = "the-token-of-cat";
export const VIC = "the-token-of-vic";

const TOKENS: readonly AdminToken[] = [
  { token: SUPERADMIN, principal: { kind: "superadmin" } },
  { token: ACME, principal: { kind: "tenant-admin", tenant: "acme" } },
  { token: BETA, principal: { kind: "tenant-admin", tenant: "beta" } },
  person("ann", "approver"),
  person("bob", "approver"),
  person("cat", "admin"),
  person("vic", "viewer", "operator", "policy_author"),
];

export interface Queue {
  readonly plane: TestPlane;
  /** Another replica over the same database. */
  readonly replica: () => Promise<Pick<TestPlane, "request" | "nouns" | "units" | "actor" | "feed">>;
  readonly credential: string;
  sidecarOf(tenant: string): Promise<string>;
  park(request?: ApprovalRequest, token?: string): Promise<TestAnswer>;
  /** Parks, and expects that it may. */
  parked(request?: ApprovalRequest): Promise<ApprovalTicket>;
  ticket(id: string, token?: string): Promise<TestAnswer>;
  claim(ticket: ApprovalTicket, eventId?: string, token?: string): Promise<TestAnswer>;
  decide(id: string, decision: "approve" | "reject", token?: string, more?: object): Promise<TestAnswer>;
  /** Sets rules of acme as two people may. */
  rules(approvals: object): Promise<void>;
  view(id: string): Promise<TestAnswer>;
  /** What the chain of acme tells of approvals, the latest last. */
  acts(): Promise<{ tool: string; decision: string; actor: string; arg_values: Record<string, unknown> }[]>;
  sweep(): Promise<void>;
}

export async function createQueue(t: TestContext, engine: Engine): Promise<Queue | undefined> {
  const plane = await testPlane(t, engine, { tokens: TOKENS });
  if (plane === undefined) return undefined;
  const sidecarOf = async (tenant: string): Promise<string> =>
    (await plane.request("POST", "/v1/admin/sidecars", { body: { tenant } })).json.credential;
  const credential = await sidecarOf("acme");
  const fleet = "/v1/sidecar/approvals";
  const park = (body = parkedCall(), token = credential) => plane.request("POST", fleet, { token, body });
  return {
    ...{ plane, credential, sidecarOf, park },
    replica: () => planeOver(plane.parts),
    parked: async (request) => (await park(request)).json,
    ticket: (id, token = credential) => plane.request("GET", `${fleet}/${id}`, { token }),
    claim({ pending_id: id, digest }, eventId = "event-1", token = credential) {
      return plane.request("POST", `${fleet}/${id}/claim`, { token, body: { digest, event_id: eventId } });
    },
    decide: (id, decision, token = ANN, more = {}) =>
      plane.request("POST", `/v1/admin/approvals/${id}/decide`, { token, body: { decision, ...more } }),
    rules: async (approvals) =>
      void (await plane.units.commit({ ...plane.actor, isSeconded: true }, (unit) =>
        changeSettings(unit, "acme", SettingsChange.parse({ approvals })),
      )),
    view: (id) => plane.request("GET", `/v1/admin/approvals/${id}`, { token: ACME }),
    async acts() {
      const { json } = await plane.request("GET", "/v1/admin/audit?limit=1000", { token: ACME });
      const events: { tool: string; decision: string; actor: string; arg_values: object }[] = json.items;
      return events
        .filter(({ tool }) => tool.endsWith("_approval"))
        .map((event) => ({ ...event, arg_values: { ...event.arg_values } }))
        .reverse();
    },
    sweep: () => expireApprovals(plane.nouns, plane.units, plane.actor),
  };
}
