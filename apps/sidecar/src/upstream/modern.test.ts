// Official clients of the stateless era share one process of an official server over stdio, and none of them notices.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { defer, type TestScope } from "@postern/testkit";
import { MODERN_SERVER_COMMAND } from "./modern-server.fixture.ts";
import { createStdioUpstream } from "./stdio.ts";
import { serveUpstream, until } from "./upstream.fixture.ts";

async function connect(scope: TestScope, url: URL): Promise<Client> {
  const client = new Client(
    { name: "test", version: "1" },
    { versionNegotiation: { mode: { pin: "2026-07-28" } } },
  );
  await client.connect(new StreamableHTTPClientTransport(url));
  defer(scope, () => client.close());
  return client;
}

const textIn = (result: object) => JSON.stringify(result);

test("several clients call, get progress of their own and cancel, all at one process", async (t) => {
  const told: string[] = [];
  const upstream = createStdioUpstream({
    name: "modern",
    command: MODERN_SERVER_COMMAND,
    environment: {},
    graceMs: 500,
    onDiagnostic: (text) => told.push(text.trim()),
  });
  defer(t, () => upstream.close());
  const url = await serveUpstream(t, upstream);
  const clients = await Promise.all([1, 2, 3].map(() => connect(t, url)));
  const { tools } = await (clients[0] ?? assert.fail()).listTools();
  assert.deepEqual(tools.map(({ name }) => name).sort(), ["echo", "steps", "wait"]);

  const pids = new Set<string>();
  await Promise.all(
    clients.flatMap((client, index) =>
      [...Array(20).keys()].map(async (n) => {
        const text = `<${index}:${n}>`;
        const answer = textIn(await client.callTool({ name: "echo", arguments: { text } }));
        assert.deepEqual(answer.match(/<\d+:\d+>/g), [text]);
        pids.add(answer.match(/(\d+):</)?.[1] ?? "");
      }),
    ),
  );
  assert.equal(pids.size, 1);

  await Promise.all(
    clients.map(async (client, index) => {
      const seen: string[] = [];
      const onprogress = ({ progress, message }: { progress: number; message?: string | undefined }) =>
        void seen.push(`${progress}:${message}`);
      await client.callTool({ name: "steps", arguments: { text: `c${index}` } }, { onprogress });
      assert.deepEqual(
        seen,
        [1, 2, 3].map((n) => `${n}:c${index}`),
      );
    }),
  );

  const gone = new AbortController();
  const [first, second] = clients;
  const waiting = first?.callTool({ name: "wait", arguments: {} }, { signal: gone.signal });
  waiting?.catch(() => {});
  await second?.callTool({ name: "echo", arguments: { text: "" } });
  gone.abort();
  await until(() => told.includes("cancelled"));
  assert.match(
    textIn((await second?.callTool({ name: "echo", arguments: { text: "still here" } })) ?? {}),
    /still here/,
  );
});
