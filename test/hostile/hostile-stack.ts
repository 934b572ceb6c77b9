// The real product between an attacker and a tool server that writes everything down: control plane and sidecar as processes, the attacker as
// bytes on a socket. What was refused must have left the tool server's record empty and exactly the expected events in the control plane.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { AuditEvent, JsonObject } from "@postern/contracts";
import { type TestScope, temporaryDirectory } from "@postern/testkit";
import { eventually, provisionTenant, startControlPlane, startSidecar, TENANT } from "../e2e/stack.ts";
import { bearer, callBody, type Denial, denialOf, JSON_TYPE } from "./message.ts";
import { type Answer, ask, type RequestParts } from "./raw-http.ts";
import { type RecordingUpstream, startRecordingUpstream, TOOLS } from "./recording-upstream.ts";

const ALLOWED_TOOLS: readonly string[] = TOOLS.filter((name) => name !== "forbidden");

/** All tools but "forbidden", and of what lies beside tools only what its name calls open. */
const HOSTILE_POLICY = `package intentgate.policy

default decision := {"allow": false, "reason": "not listed", "rule": "default"}

decision := {"allow": true, "rule": "listed", "cost_micros": 1} if listed

listed if input.tool in ${JSON.stringify(ALLOWED_TOOLS)}

listed if {
	input.tool == "resources/read"
	startswith(input.args.uri, "doc://open/")
}

listed if {
	input.tool == "prompts/get"
	input.args.name == "open"
}
`;

/** What HOSTILE_POLICY opens, said a second time and apart from it. */
export function isOpen(tool: string, args: JsonObject): boolean {
  if (tool === "resources/read") return typeof args.uri === "string" && args.uri.startsWith("doc://open/");
  if (tool === "prompts/get") return args.name === "open";
  return ALLOWED_TOOLS.includes(tool);
}

export interface HostileOptions {
  /** Settings of the sidecar besides its tool server, or with it. */
  readonly env?: Record<string, string> | ((upstreamUrl: string) => Record<string, string>);
  readonly rego?: string;
}

export type HostileStack = Awaited<ReturnType<typeof startHostileStack>>;

export async function startHostileStack(scope: TestScope, options: HostileOptions = {}) {
  const { env } = options;
  const upstream = await startRecordingUpstream(scope);
  const controlPlane = await startControlPlane(scope);
  const { admin } = controlPlane;
  await provisionTenant(admin, options.rego ?? HOSTILE_POLICY);
  const enrolment = await admin.addSidecar({ tenant: TENANT, name: "hostile" });
  const sidecarDir = temporaryDirectory(scope);
  const sidecar = await startSidecar(scope, {
    controlPlaneUrl: controlPlane.url,
    enrolment,
    dataDir: sidecarDir,
    env: {
      POSTERN_AUDIT_ARG_VALUES: "full",
      ...(typeof env === "function" ? env(upstream.url) : { POSTERN_UPSTREAM_URL: upstream.url, ...env }),
    },
  });
  const port = Number(new URL(sidecar.url).port);
  const mint = async (request: Partial<Parameters<typeof admin.mint>[0]> = {}) =>
    (await admin.mint({ subject: "agent-x", tenant: TENANT, ttl_seconds: 3600, ...request })).token;
  const token = await mint();
  /** Requests that were made to find out what had arrived. */
  const own = new Set<string>();

  /** Every event that this sidecar's records became. */
  async function allEvents(): Promise<AuditEvent[]> {
    const events: AuditEvent[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await admin.audit({ tenant: TENANT, limit: 1000, cursor });
      events.push(...page.items.filter(({ sidecar_id }) => sidecar_id !== ""));
      cursor = page.next_cursor;
      if (cursor === undefined) return events;
    }
  }

  return {
    admin,
    controlPlane,
    enrolment,
    mint,
    port,
    sidecar,
    sidecarDir,
    token,
    upstream: upstream as RecordingUpstream,
    /** A request of the stack's own token with a JSON body. */
    ask: (parts: RequestParts & { readonly token?: string }): Promise<Answer> =>
      ask(port, { ...parts, head: [bearer(parts.token ?? token), JSON_TYPE, ...(parts.head ?? [])] }),
    /** Every event so far: what was recorded before a call of our own has arrived when that call's event has. */
    async events(): Promise<AuditEvent[]> {
      const id = randomUUID();
      own.add(id);
      const answer = await ask(port, {
        head: [bearer(token), JSON_TYPE, `X-Request-Id: ${id}`],
        body: callBody("record", { nonce: id }),
      });
      assert.equal(answer.status, 200);
      assert.equal(denialOf(answer), undefined, answer.body.toString());
      upstream.arrivals.splice(upstream.arrivals.length - 1, 1);
      return eventually(async () => {
        const events = await allEvents();
        assert.ok(
          events.some(({ request_id, outcome }) => request_id === id && outcome !== "unknown"),
          "the last call's event has arrived",
        );
        return events.filter(({ request_id }) => !own.has(request_id));
      }, 30_000);
    },
  };
}

/** What the caller was told, and that nothing of it reached the tool server. */
export function assertRefused(
  stack: Pick<HostileStack, "upstream">,
  answer: Answer,
  expected: { readonly status: number } & Partial<Denial>,
): void {
  const { status, ...denial } = expected;
  assert.equal(answer.status, status, answer.body.toString());
  const got = denialOf(answer);
  for (const [name, value] of Object.entries(denial))
    assert.equal(got?.[name as keyof Denial], value, answer.body.toString());
  stack.upstream.assertUntouched();
}

/** Verdicts of the events of one request, in words such as "allow executed" and "block none capability.tool". */
export const verdictsOf = (events: readonly AuditEvent[], requestId: string): string[] =>
  events
    .filter(({ request_id }) => request_id === requestId)
    .map(({ decision, outcome, reasons }) => [decision, outcome, ...reasons].join(" "));
