// An official client works through each adapter with a public server as it would without them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { defer, type TestScope } from "@postern/testkit";
import { createHttpUpstream } from "./http.ts";
import { createCallClient } from "./session.ts";
import { createSseUpstream } from "./sse.ts";
import { createStdioUpstream } from "./stdio.ts";
import {
  EVERYTHING_COMMAND,
  forever,
  requestOf,
  serveUpstream,
  startEverything,
  textOf,
} from "./upstream.fixture.ts";
import type { Upstream } from "./upstream.ts";

const ADAPTERS: Readonly<Record<string, (scope: TestScope) => Promise<Upstream>>> = {
  http: async (scope) => createHttpUpstream({ name: "everything", url: await startEverything(scope) }),
  sse: async (scope) => createSseUpstream({ name: "everything", url: await startEverything(scope, "sse") }),
  stdio: async () =>
    createStdioUpstream({ name: "everything", command: EVERYTHING_COMMAND, environment: {}, graceMs: 500 }),
};

async function connect(
  scope: TestScope,
  upstream: Upstream,
  prepare: (client: Client) => void = () => {},
): Promise<Client> {
  const client = new Client(
    { name: "test", version: "1" },
    { capabilities: { sampling: {}, elicitation: { form: {} }, roots: {} } },
  );
  prepare(client);
  const transport = new StreamableHTTPClientTransport(await serveUpstream(scope, upstream));
  // The package's own types are looser than exactOptionalPropertyTypes.
  await client.connect(transport as Parameters<Client["connect"]>[0]);
  defer(scope, async () => {
    await transport.terminateSession();
    await client.close();
  });
  return client;
}

for (const [name, open] of Object.entries(ADAPTERS)) {
  test(`${name}: an official client lists and calls tools, with progress, sampling, elicitation and errors`, async (t) => {
    const upstream = await open(t);
    defer(t, () => upstream.close());
    const client = await connect(t, upstream);
    client.setRequestHandler(CreateMessageRequestSchema, async () => ({
      model: "m",
      role: "assistant" as const,
      content: { type: "text" as const, text: "sampled" },
    }));
    client.setRequestHandler(ElicitRequestSchema, async () => ({ action: "decline" as const }));

    const { tools } = await client.listTools();
    assert.ok(tools.some((tool) => tool.name === "echo"));
    const called = (tool: string, args: Record<string, unknown>) =>
      client.callTool({ name: tool, arguments: args });
    assert.match(JSON.stringify(await called("echo", { message: "héllo\n" })), /héllo/);
    assert.match(JSON.stringify(await called("get-sum", { a: 2, b: 3 })), /5/);

    const progress: number[] = [];
    const long = await client.callTool(
      { name: "trigger-long-running-operation", arguments: { duration: 0.3, steps: 3 } },
      undefined,
      {
        onprogress: (seen) => progress.push(seen.progress),
      },
    );
    assert.match(JSON.stringify(long), /completed/);
    assert.ok(progress.length >= 3, `progress: ${progress}`);

    assert.match(
      JSON.stringify(await called("trigger-sampling-request", { prompt: "p", maxTokens: 5 })),
      /sampled/,
    );
    assert.match(JSON.stringify(await called("trigger-elicitation-request", {})), /declined/i);
    assert.equal((await called("no-such-tool", {})).isError, true);

    const big = "x".repeat(1_048_576);
    assert.ok(JSON.stringify(await called("echo", { message: big })).includes(big));
  });

  test(`${name}: sessions share nothing, and calls under the same id do not cross`, async (t) => {
    const upstream = await open(t);
    defer(t, () => upstream.close());
    const clients = await Promise.all([connect(t, upstream), connect(t, upstream), connect(t, upstream)]);
    const answers = await Promise.all(
      clients.flatMap((client, index) =>
        [...Array(10).keys()].map(async (call) => {
          const nonce = `<${index}:${call}>`;
          const answer = JSON.stringify(
            await client.callTool({ name: "echo", arguments: { message: nonce } }),
          );
          return answer.includes(nonce) && answer.match(/<\d:\d>/g)?.length === 1;
        }),
      ),
    );
    assert.ok(answers.every(Boolean));
  });

  test(`${name}: what the server asks of its own accord reaches the client's open stream`, async (t) => {
    const upstream = await open(t);
    defer(t, () => upstream.close());
    await new Promise((asked) => {
      void connect(t, upstream, (client) =>
        client.setRequestHandler(ListRootsRequestSchema, async () => {
          asked(undefined);
          return { roots: [] };
        }),
      );
    });
  });

  test(`${name}: a caller that speaks no MCP gets one answer under its own id`, async (t) => {
    const upstream = await open(t);
    const client = createCallClient({ upstream, clientInfo: { name: "test", version: "1" } });
    defer(t, () => upstream.close());
    defer(t, () => client.close());
    const call = (id: string | number, params: object) => {
      const { message, body } = requestOf({ id, method: "tools/call", params });
      return client.callOnce(message, body, forever());
    };
    const same = await Promise.all(
      ["a", "b", "c"].map((word) => call("same", { name: "echo", arguments: { message: word } })),
    );
    for (const [index, answer] of same.entries()) {
      assert.equal(answer.status, 200);
      const { id, result } = JSON.parse(await textOf(answer));
      assert.equal(id, "same");
      assert.equal(result.content[0].text, `Echo: ${["a", "b", "c"][index]}`);
    }
    const long = await call(7, {
      name: "trigger-long-running-operation",
      arguments: { duration: 0.2, steps: 2 },
      _meta: { progressToken: 7 },
    });
    const { id, result } = JSON.parse(await textOf(long));
    assert.equal(id, 7);
    assert.match(result.content[0].text, /completed/);
    assert.match(await textOf(await call(8, { name: "no-such-tool" })), /"isError":true|"error"/);
  });
}
