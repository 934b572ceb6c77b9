// Two tenants in one database, each with something of every kind under the same names, so that a query that forgets its tenant finds both.
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { ACME, BETA, opaCompiler, type TestPlane, testPlane } from "../../control-plane.fixture.ts";
import { parkedCall } from "../../domain/approvals/parked-call.fixture.ts";
import { pretendedSpool } from "../../domain/intake/spool.fixture.ts";
import { accessToken, type TestIssuer, testIssuer } from "../../domain/issuers/issuer.fixture.ts";
import { regoDigest } from "../../domain/policies/model.ts";
import { sightingOf } from "../../domain/tools/sighting.fixture.ts";
import { ALLOW_ALL } from "../../domain/trials/trials.fixture.ts";
import {
  addressOf,
  type Belongings,
  belongingsOf,
  type Row,
  ruled,
  type Sample,
  samplesOf,
} from "../rows.fixture.ts";

export const TENANTS = ["acme", "beta"] as const;
export type Tenant = (typeof TENANTS)[number];
const ADMIN: Readonly<Record<Tenant, string>> = { acme: ACME, beta: BETA };

export interface TwoTenants {
  readonly plane: TestPlane;
  readonly things: Readonly<Record<Tenant, Belongings>>;
  /** The sample call of a row about a tenant's things; the call itself names acme where it names a tenant. */
  sampleOf(row: Row, of: Tenant): Sample;
  call(row: Row, sample: Sample, token: string, headers?: Record<string, string>): Answer;
  /** What acme's identity provider gives out for its sidecars; beta trusts the same one. */
  accessToken(): Promise<string>;
}

type Answer = ReturnType<TestPlane["request"]>;

export const RESOURCE = "https://sidecar.example/v1/mcp";

/** undefined and a skipped test where there is no Rego compiler. */
export async function twoTenants(t: TestContext): Promise<TwoTenants | undefined> {
  const compiler = opaCompiler(t);
  if (compiler === undefined) return undefined;
  // Which policy it is does not matter here, only that it can be evaluated.
  const { compiled } = await compiler(ALLOW_ALL);
  const compile = async (source: string) => ({ source, sha256: regoDigest(source), compiled });
  const plane = await testPlane(t, "embedded", { compile });
  assert.ok(plane !== undefined);
  const issuer = await testIssuer(t);
  const things = { acme: await belongingsOf(plane, "acme"), beta: await belongingsOf(plane, "beta") };
  for (const tenant of TENANTS) await addMore(plane, tenant, things[tenant], issuer);
  const samples = { acme: samplesOf(things.acme), beta: samplesOf(things.beta) };
  return {
    ...{ plane, things },
    sampleOf(row, of) {
      const sample = samples[of][row.id];
      assert.ok(sample !== undefined, `${row.id} has a sample call`);
      return sample;
    },
    call: (row, sample, token, headers = {}) =>
      plane.request(row.method, addressOf(row, sample), { token, body: sample.body, headers }),
    accessToken: () => accessToken(issuer, { resource: RESOURCE, nowMs: plane.clock.nowMs() }),
  };
}

/** A second one of whatever lists show in pages, and what only sidecars and identity providers make. */
async function addMore(
  plane: TestPlane,
  tenant: Tenant,
  { sidecar, credential, webhook, rollout }: Belongings,
  issuer: TestIssuer,
): Promise<void> {
  const token = ADMIN[tenant];
  const send = async (method: string, path: string, body: object, as = token) => {
    const answer = await plane.request(method, `/v1/${path}`, { token: as, body });
    assert.ok(answer.status < 300, `${path}: ${answer.text}`);
    return answer.json;
  };
  const post = (path: string, body: object) => send("POST", `admin/${path}`, body);
  const tell = (path: string, body: object) => send("POST", `sidecar/${path}`, body, credential);
  const proposing = (two_person: boolean) => ruled(plane, tenant, { policies: { two_person } });

  await post(`policies/rollouts/${rollout}/stop`, {});
  const { id: draft_id } = await post("policies/drafts", { name: "second", rego_source: "package y" });
  await post("policies/active", { draft_id });
  await post("policies/rollouts", { draft_id, mode: "shadow" });
  await proposing(true);
  await post("policies/active", { draft_id });
  await proposing(false);
  for (const jti of ["one", "two"]) await post("revoke", { jti });
  await post("sidecars", {});
  await post("operators", { name: "oscar", roles: ["viewer"] });
  await post("kill-switch", { scope: "tool", value: "rm", reason: "why" });
  await post("elevations", { reason: "why", role: "approver" });
  const url = "https://crm.example/mcp";
  await post("upstreams", { name: "second", transport: "http", url, auth: { kind: "none" } });
  await plane.request("POST", `/v1/admin/webhooks/${webhook}/test`, { token });
  await post("issuers", {
    ...{ issuer: issuer.url, audiences: [RESOURCE], algorithms: ["ES256"] },
    rules: [{ name: "all", match: { "/sub": { glob: "*" } }, grant: { agent: `\${sub}`, ttl_seconds: 60 } }],
  });

  await tell("tools", { upstreams: ["files"], tools: [sightingOf("files", { name: "b" })] });
  await tell("approvals", parkedCall({ tenant, tool: "second" }));
  const { epoch } = await tell("register", { version: "1" });
  const spool = pretendedSpool({ tenant, id: sidecar }, epoch);
  spool.event("told");
  spool.intent("under-way");
  await tell("audit", spool.batch(1, 2));
}
