// Official MCP clients, of both SDK generations, through the real door.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { type TestContext, test } from "node:test";
import {
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernTransport,
} from "@modelcontextprotocol/client";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { defer } from "@postern/testkit";
import { POLICY } from "./rego.ts";
import { eventually, startStack, TENANT, toolCallEvents } from "./stack.ts";

interface CallOptions {
  readonly intentPrompt?: string;
  readonly onprogress?: (progress: { progress: number }) => void;
}

/** The two generations behind one face. */
interface AnyClient {
  tools(): Promise<string[]>;
  call(name: string, args: Record<string, unknown>, options?: CallOptions): Promise<Record<string, unknown>>;
}

type Connect = (t: TestContext, url: string, token: string, intentPrompt?: string) => Promise<AnyClient>;

const headersOf = (token: string, intentPrompt?: string) => ({
  authorization: `Bearer ${token}`,
  ...(intentPrompt !== undefined && { "x-intent-prompt": intentPrompt }),
});

const GENERATIONS: Record<string, Connect> = {
  "@modelcontextprotocol/sdk": async (t, url, token, intentPrompt) => {
    const client = new Client({ name: "e2e", version: "1" });
    const transport = new StreamableHTTPClientTransport(new URL(url), {
      requestInit: { headers: headersOf(token, intentPrompt) },
    });
    await client.connect(transport as Parameters<Client["connect"]>[0]);
    defer(t, () => client.close());
    return {
      tools: async () => (await client.listTools()).tools.map(({ name }) => name),
      call: (name, args, options) =>
        client.callTool({ name, arguments: args }, undefined, {
          ...(options?.onprogress && { onprogress: options.onprogress }),
        }),
    };
  },
  "@modelcontextprotocol/client": async (t, url, token, intentPrompt) => {
    const client = new ModernClient({ name: "e2e", version: "1" });
    await client.connect(
      new ModernTransport(new URL(url), { requestInit: { headers: headersOf(token, intentPrompt) } }),
    );
    defer(t, () => client.close());
    return {
      tools: async () => (await client.listTools()).tools.map(({ name }) => name),
      call: (name, args, options) =>
        client.callTool(
          { name, arguments: args },
          { ...(options?.onprogress && { onprogress: options.onprogress }) },
        ),
    };
  },
};

const codeOf = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (caught: unknown) => (caught as { code?: unknown }).code,
  );

for (const [name, connect] of Object.entries(GENERATIONS)) {
  test(`${name} lists and calls tools through the sidecar`, async (t) => {
    const stack = await startStack(t, POLICY);
    const { url } = { url: stack.sidecar.mcpUrl };
    const { token } = await stack.mint({
      caveats: [{ type: "tool_deny", tools: ["measure"] }],
      max_calls: 5,
    });
    const client = await connect(t, url, token);
    const ran = () => stack.upstream.executed();

    assert.deepEqual(
      (await client.tools()).sort(),
      ["break", "progress", "record", "transfer"],
      "lists what may be called, and nothing else",
    );

    const allowed = await client.call("record", { nonce: "n1" });
    assert.deepEqual(allowed.content, [{ type: "text", text: "recorded n1" }]);

    assert.equal(
      await codeOf(client.call("measure", { nonce: "n2", value: "x" })),
      -32010,
      "denied by capability",
    );
    assert.equal(
      await codeOf(client.call("no-such-tool", { nonce: "n2" })),
      -32012,
      "an unknown tool is denied by policy",
    );
    assert.equal(await codeOf(client.call("forbidden", { nonce: "n2" })), -32012, "denied by policy");
    assert.equal(
      await codeOf(client.call("transfer", { nonce: "n2", amount: 5000 })),
      -32014,
      "approval pending",
    );

    const declared = await connect(t, url, token, "please do something that nobody can make sense of");
    assert.equal(await codeOf(declared.call("record", { nonce: "n2" })), -32011, "denied by intent");
    assert.deepEqual(ran(), ["n1"], "nothing that was refused has run");

    const steps: number[] = [];
    const streamed = await client.call(
      "progress",
      { nonce: "n3" },
      { onprogress: ({ progress }) => steps.push(progress) },
    );
    assert.deepEqual(streamed.content, [{ type: "text", text: "done" }]);
    assert.deepEqual(steps, [1, 2, 3], "progress notifications arrive over the SSE reply");

    const broken = await client
      .call("break", { nonce: "n4" })
      .catch((caught: unknown) => caught as { isError?: boolean; message?: string });
    assert.match(
      JSON.stringify(broken) + String((broken as Error).message ?? ""),
      /broken on purpose/,
      "the upstream's error comes through as it is",
    );

    await client.call("transfer", { nonce: "n5", amount: 1 });
    await client.call("record", { nonce: "n6" });
    assert.equal(await codeOf(client.call("record", { nonce: "n7" })), -32013, "denied by budget");
    assert.deepEqual(ran(), ["n1", "n3", "n4", "n5", "n6"]);

    const events = await eventually(async () => {
      const seen = await toolCallEvents(stack.admin);
      assert.equal(seen.length, 11, "one event for each judged call");
      return seen;
    });
    const tally = (pick: (event: (typeof events)[number]) => string) =>
      Object.fromEntries(
        [...new Set(events.map(pick))]
          .sort()
          .map((key) => [key, events.filter((event) => pick(event) === key).length]),
      );
    assert.deepEqual(
      tally(({ decision, check }) => `${decision} ${check}`.trim()),
      {
        allow: 5,
        "block budget": 1,
        "block capability": 1,
        "block intent": 1,
        "block policy": 2,
        "escalate policy": 1,
      },
    );
    assert.equal((await stack.admin.verifyAudit({ tenant: TENANT })).verified, true);
  });

  test(`${name} sends an argument of 1 MB through the sidecar unchanged`, async (t) => {
    const stack = await startStack(t, POLICY);
    const { token } = await stack.mint();
    const client = await connect(t, stack.sidecar.mcpUrl, token);
    const value = `${"é".repeat(524_288)}${randomUUID()}`;
    const answer = await client.call("measure", { nonce: "big", value });
    assert.deepEqual(answer.content, [{ type: "text", text: String(value.length) }]);
  });
}
