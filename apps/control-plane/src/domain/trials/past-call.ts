// From an event back to what the policy was asked. An event is not a recording: argument values may not be stored, budgets have moved on, and of an
// intent only the summary is kept. Whatever cannot be told is named, so that no verdict about it is taken for certain.
import { argumentsDigest, SHORTENED } from "@postern/audit";
import type { AuditEvent, Caveat, JsonObject, JsonValue, PolicyInput } from "@postern/contracts";
import type { IssuedToken } from "../capabilities/model.ts";
import type { Decision, PastCall } from "./model.ts";

/** An event with the salt of its arguments' digest; "" when that was forgotten. */
export interface SaltedEvent {
  readonly event: AuditEvent;
  readonly argsSalt: string;
}

/** Undefined when the event tells of nothing that reached the policy. `root` is the token that the call's own one comes from. */
export function pastCall(
  { event, argsSalt }: SaltedEvent,
  root: IssuedToken | undefined,
): PastCall | undefined {
  const decision = atThePolicy(event);
  if (decision === undefined) return undefined;
  const { args, unknown: unknownArgs } = argumentsOf(event, argsSalt);
  const capability = capabilityOf(event, root);
  const nowMs = Date.parse(event.ts);
  const input: PolicyInput = {
    action: "call",
    method: event.method,
    tool: event.tool,
    args,
    agent_id: event.agent_id,
    session_id: event.session_id,
    upstream: event.upstream,
    // It passed the check of its intent, so the tool was allowed by it.
    ...(event.intent_summary !== "" && {
      intent: {
        summary: event.intent_summary,
        allowed_tools: [event.tool],
        forbidden_tools: [],
        confidence: 1,
      },
    }),
    capability: capability.member,
    budget: {},
    time: timeOf(nowMs),
    remote_address: event.remote_ip,
    request_id: event.request_id,
  };
  const unknownIntent = event.intent_summary === "" ? [] : UNKNOWN_OF_INTENT;
  return {
    input,
    unknown: [...unknownArgs, ...unknownIntent, ...capability.unknown],
    ...{ eventId: event.event_id, ts: event.ts, decision, reason: decision === "allow" ? "" : event.reason },
  };
}

/** The checks that come before the policy. */
const BEFORE_THE_POLICY: ReadonlySet<string> = new Set(["capability", "intent"]);

/** What the policy's part in the event was. Once a person was asked, it had asked for one, whatever came of it. */
function atThePolicy(event: AuditEvent): Decision | undefined {
  if (!event.event.startsWith("intentgate.") || event.event === "intentgate.admin") return undefined;
  if (event.tool === "" || event.agent_id === "" || BEFORE_THE_POLICY.has(event.check)) return undefined;
  if (event.check !== "policy" && event.policy_revision === 0) return undefined;
  if (event.pending_id !== "" || event.decision === "escalate") return "escalate";
  return event.check === "policy" ? event.decision : "allow";
}

const UNKNOWN_OF_INTENT = ["intent.allowed_tools", "intent.forbidden_tools", "intent.confidence"];

interface Arguments {
  readonly args: JsonObject;
  readonly unknown: readonly string[];
}

function argumentsOf(event: AuditEvent, salt: string): Arguments {
  const { [SHORTENED]: _, ...values } = event.arg_values as JsonObject;
  // What was sent on is what the event tells of, and the policy saw what came.
  if (event.obligations?.some((done) => done.startsWith("request:")))
    return { args: values, unknown: ["args"] };
  if (isWhole(event, salt)) return { args: values, unknown: [] };
  const isCut = event.arg_keys.includes(SHORTENED);
  if (event.arg_keys.length === 0 || isCut) return { args: values, unknown: ["args"] };
  const args = Object.fromEntries(event.arg_keys.map((key) => [key, values[key] ?? null]));
  return { args, unknown: Object.entries(args).flatMap(([key, value]) => unknownIn(value, `args.${key}`)) };
}

/** The digest is of all arguments: what has the same one is what was sent, no more and no less. */
function isWhole({ args_digest, arg_values }: AuditEvent, salt: string): boolean {
  return /^[0-9a-f]{32}$/.test(salt) && argumentsDigest(salt, arg_values as JsonValue) === args_digest;
}

/** Where text was, events may hold null, and "…" where something was too deep. */
function unknownIn(value: JsonValue, path: string): readonly string[] {
  if (value === null || value === SHORTENED) return [path];
  if (typeof value !== "object") return [];
  // A path does not reach into a list.
  if (Array.isArray(value)) return value.some((item) => unknownIn(item, path).length > 0) ? [path] : [];
  return Object.entries(value).flatMap(([key, inner]) => unknownIn(inner, `${path}.${key}`));
}

function capabilityOf(
  event: AuditEvent,
  root: IssuedToken | undefined,
): { member: PolicyInput["capability"]; unknown: readonly string[] } {
  const named = {
    subject: event.agent_id,
    tenant: event.tenant,
    token_id: event.capability_token_id,
    root_token_id: event.root_capability_token_id,
    caveat_count: event.caveat_count,
  };
  const nowMs = Date.parse(event.ts);
  // An id may be issued again, and what was issued last says nothing of what came before.
  if (root === undefined || root.issuedAt.getTime() > nowMs) {
    return { member: { ...named, issuer: "", issued_at: event.ts }, unknown: UNKNOWN_OF_TOKEN };
  }
  const { issuer, issuedAt, caveats } = root;
  const ends = [
    root.expiresAt?.getTime() ?? [],
    caveats.map((each) => (each.type === "expiry" ? Date.parse(each.at) : [])),
  ];
  const expiresAtMs = Math.min(...ends.flat(2));
  const stepUpAtMs = Math.max(
    ...caveats.flatMap((each) => (each.type === "step_up" ? Date.parse(each.at) : [])),
  );
  const member = {
    ...{ ...named, issuer, issued_at: issuedAt.toISOString() },
    ...(Number.isFinite(expiresAtMs) && { expires_at: new Date(expiresAtMs).toISOString() }),
    ...(Number.isFinite(stepUpAtMs) && {
      step_up_at: new Date(stepUpAtMs).toISOString(),
      step_up_age_seconds: Math.max(0, Math.floor((nowMs - stepUpAtMs) / 1000)),
    }),
  };
  const isNarrowed = named.token_id !== named.root_token_id;
  return { member, unknown: isNarrowed ? UNKNOWN_OF_BLOCK : budgetsOf(caveats) };
}

const UNKNOWN_OF_TOKEN = [
  "budget",
  ...["issuer", "issued_at", "expires_at", "step_up_at", "step_up_age_seconds"].map(
    (name) => `capability.${name}`,
  ),
];

/** A block that was appended offline may end earlier, and may have budgets of its own. */
const UNKNOWN_OF_BLOCK = ["budget", "capability.expires_at"];

function budgetsOf(caveats: readonly Caveat[]): readonly string[] {
  return [...new Set(caveats.flatMap(({ type }) => BUDGETS[type] ?? []))];
}

const BUDGETS: { readonly [type in Caveat["type"]]?: string } = {
  max_calls: "budget.calls_remaining",
  max_cost: "budget.cost_micros_remaining",
  rate: "budget.rate_remaining",
};

/** An instant as policies see it. */
export function timeOf(nowMs: number): PolicyInput["time"] {
  const now = new Date(nowMs);
  return {
    now: now.toISOString(),
    unix_ms: nowMs,
    hour: now.getUTCHours(),
    minute: now.getUTCMinutes(),
    weekday: now.getUTCDay(),
  };
}
