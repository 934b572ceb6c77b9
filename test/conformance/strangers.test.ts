// Requests that no official suite sends: pages of other origins, hosts of other names, batches. None of them leaves a trace at the tool server.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { startStack } from "../e2e/stack.ts";
import { type Asking, call, createRawClient, modern } from "./raw-client.ts";
import { answerJson, startScriptedServer } from "./scripted-server.ts";

const REGO = `package intentgate.policy

decision := {"allow": true}
`;
const DEADLINE = { timeout: 30_000 };

const file = { after };
const server = await startScriptedServer(file);
const stack = await startStack(file, REGO, { POSTERN_UPSTREAM_URL: server.url });
const { token } = await stack.mint();
const client = createRawClient(stack.sidecar.mcpUrl, token);
const session = await client.session();

const legacyCall: Asking = { body: call(1, "tool"), headers: session };
const modernCall = modern(1, "tools/call", { name: "tool", arguments: {} });
const eras = Object.entries({ legacy: legacyCall, modern: modernCall });
const withHeaders = (asking: Asking, headers: Readonly<Record<string, string>>): Asking => ({
  ...asking,
  headers: { ...asking.headers, ...headers },
});

test(
  "a page of another origin, and a host of another name, get 403 in both eras and with every verb",
  DEADLINE,
  async () => {
    server.play((each) => answerJson(each, { content: [] }));
    const foreign = [
      { origin: "https://elsewhere.example" },
      { origin: "http://localhost.elsewhere.example" },
      { origin: "null" },
      { host: "elsewhere.example" },
      { host: "127.0.0.1.elsewhere.example" },
      { "sec-fetch-site": "cross-site" },
    ];
    for (const headers of foreign) {
      for (const [era, asking] of eras) {
        const { status } = await client.ask(withHeaders(asking, headers));
        assert.equal(status, 403, `${era} ${JSON.stringify(headers)}`);
      }
      for (const verb of ["GET", "DELETE"] as const) {
        const { status } = await client.ask({ verb, headers: { ...session, ...headers } });
        assert.equal(status, 403, `${verb} ${JSON.stringify(headers)}`);
      }
    }
    assert.deepEqual(server.asked, []);
  },
);

test("a page of this machine, and a client that is no page, get their answers", DEADLINE, async () => {
  server.play((each) => answerJson(each, { content: [] }));
  for (const headers of [
    {},
    { origin: "http://localhost:3000" },
    { origin: "http://127.0.0.1" },
    { host: "localhost" },
  ]) {
    for (const [era, asking] of eras) {
      const { status, body } = await client.ask(withHeaders(asking, headers));
      assert.equal(status, 200, `${era} ${JSON.stringify(headers)}`);
      assert.match(body, /"content"/);
    }
  }
  assert.equal(server.asked.length, 8);
});

test("a batch is refused as a whole in every revision, with what is in it", DEADLINE, async () => {
  server.play((each) => answerJson(each, { content: [] }));
  const batches = [
    [],
    [call(1, "tool")],
    [call(1, "tool"), call(2, "tool")],
    [{ jsonrpc: "2.0", method: "notifications/x" }],
  ];
  for (const version of ["2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"]) {
    for (const body of batches) {
      const asking = { body, headers: { ...session, "mcp-protocol-version": version } };
      const answer = await client.ask(asking);
      assert.equal(answer.status, 400, version);
      assert.equal((JSON.parse(answer.body) as { error: { code: number } }).error.code, -32600, version);
    }
  }
  assert.deepEqual(server.asked, []);
});
