// A control plane that trusts a test's identity provider, and a sidecar of the tenant that exchanges tokens there.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is how the templates of agents are written.
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { ACME, type TestPlane, testPlane } from "../../control-plane.fixture.ts";
import { accessToken, type TestIssuer, type TokenParts, testIssuer } from "./issuer.fixture.ts";

export const RESOURCE = "https://sidecar.example/v1/mcp";
export const OTHER_RESOURCE = "https://other.example/v1/mcp";
export const RULES = [
  {
    name: "operators",
    match: { "/groups": "ops" },
    grant: {
      agent: "ops:${sub}",
      caveats: [
        { type: "tool_allow", tools: ["read_*"] },
        { type: "max_calls", limit: 5 },
      ],
      ttl_seconds: 120,
    },
  },
  { name: "everybody", match: { "/sub": { glob: "*" } }, grant: { agent: "${sub}", ttl_seconds: 600 } },
];

export interface Rig {
  readonly plane: TestPlane;
  readonly issuer: TestIssuer;
  readonly id: string;
  readonly credential: string;
  /** A token for acme's resource, right but for what is changed. */
  token(parts?: TokenParts): Promise<string>;
  exchange(token: string, resource?: string, credential?: string): ReturnType<TestPlane["request"]>;
}

export async function setup(t: TestContext, trust: object = {}): Promise<Rig> {
  const plane = await testPlane(t, "embedded");
  assert.ok(plane !== undefined);
  const issuer = await testIssuer(t);
  const body = {
    ...{ issuer: issuer.url, audiences: [RESOURCE], algorithms: ["ES256", "RS256"], rules: RULES },
    ...trust,
  };
  const added = await plane.request("POST", "/v1/admin/issuers", { token: ACME, body });
  assert.equal(added.status, 201, added.text);
  const { credential } = (await plane.request("POST", "/v1/admin/sidecars", { token: ACME, body: {} })).json;
  return {
    ...{ plane, issuer, credential, id: added.json.id },
    token: (parts) => accessToken(issuer, { resource: RESOURCE, nowMs: plane.clock.nowMs() }, parts),
    exchange: (token, resource = RESOURCE, by = credential) =>
      plane.request("POST", "/v1/sidecar/exchange", {
        token: by,
        body: { access_token: token, resource },
      }),
  };
}

export const events = async ({ plane }: Rig) =>
  (await plane.request("GET", "/v1/admin/audit?tenant=acme&tool=admin/exchange")).json.items;
