// What the administrator's client asks about operators and their tokens, and what it takes for an answer.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type AdminClient, createAdminClient } from "./index.ts";
import { scriptedServer } from "./scripted-server.fixture.ts";

const tenant = "acme";
const operator = { id: "o1", tenant, name: "olga", roles: ["viewer"], roles_from: "here" };
const operatorToken = { id: "t1", kind: "token", label: "ci" };

const calls: {
  name: string;
  run: (client: AdminClient) => Promise<unknown>;
  request: string;
  body?: object;
  reply: unknown;
}[] = [
  {
    name: "me",
    run: (client) => client.me(),
    request: "GET /v1/admin/me",
    reply: { name: "superadmin", kind: "superadmin", roles: [], permissions: ["read"] },
  },
  {
    name: "operators",
    run: (client) => client.operators({ tenant, limit: 2 }),
    request: "GET /v1/admin/operators?tenant=acme&limit=2",
    reply: { items: [operator], next_cursor: "c" },
  },
  {
    name: "addOperator",
    run: (client) => client.addOperator({ name: "olga", roles: ["viewer"], tenant }),
    request: "POST /v1/admin/operators",
    body: { name: "olga", roles: ["viewer"], tenant },
    reply: operator,
  },
  {
    name: "operator",
    run: (client) => client.operator("../keys", { tenant }),
    request: "GET /v1/admin/operators/..%2Fkeys?tenant=acme",
    reply: operator,
  },
  {
    name: "changeOperator",
    run: (client) => client.changeOperator("o1", { roles: ["admin"], identity: null }, { tenant }),
    request: "PATCH /v1/admin/operators/o1?tenant=acme",
    body: { roles: ["admin"], identity: null },
    reply: operator,
  },
  {
    name: "removeOperator",
    run: (client) => client.removeOperator("o1", { tenant }),
    request: "DELETE /v1/admin/operators/o1?tenant=acme",
    reply: undefined,
  },
  {
    name: "issueOperatorToken",
    run: (client) => client.issueOperatorToken("o1", { label: "ci", ttl_seconds: 60 }, { tenant }),
    request: "POST /v1/admin/operators/o1/tokens?tenant=acme",
    body: { label: "ci", ttl_seconds: 60 },
    reply: { ...operatorToken, token: "pst_acme.x" },
  },
  {
    name: "operatorTokens",
    run: (client) => client.operatorTokens("o1", { tenant }),
    request: "GET /v1/admin/operators/o1/tokens?tenant=acme",
    reply: [operatorToken],
  },
  {
    name: "revokeOperatorToken",
    run: (client) => client.revokeOperatorToken("o1", "t/1", { tenant }),
    request: "DELETE /v1/admin/operators/o1/tokens/t%2F1?tenant=acme",
    reply: undefined,
  },
];

for (const { name, run, request, body, reply } of calls)
  test(`${name} asks for exactly that`, async (t) => {
    const server = await scriptedServer(t, (_request, response) => {
      response.writeHead(reply === undefined ? 204 : 200);
      response.end(reply === undefined ? "" : JSON.stringify(reply));
    });
    const result = await run(createAdminClient({ url: server.url, token: "t" }));
    assert.deepEqual(result, reply);
    const [seen] = server.seen;
    assert.equal(`${seen?.method} ${seen?.url}`, request);
    assert.deepEqual(seen?.body === "" ? undefined : JSON.parse(seen?.body ?? ""), body);
  });
