// What passes while an answer is still being written, none of which the official suites see: heads that must not wait, callers who leave,
// tool servers that die, readers who are slow.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { after, test } from "node:test";
import { eventually, startStack, toolCallEvents } from "../e2e/stack.ts";
import { type Asking, call, createRawClient, modern } from "./raw-client.ts";
import { type Asked, beginStream, eventOf, startScriptedServer } from "./scripted-server.ts";

const REGO = `package intentgate.policy

decision := {"allow": true}
`;
/** Nothing here takes long; a machine that is busy with other things may. */
const DEADLINE = { timeout: 30_000 };

const file = { after };
const server = await startScriptedServer(file);
const stack = await startStack(file, REGO, {
  POSTERN_UPSTREAM_URL: server.url,
  POSTERN_STREAMS_PER_TOKEN_MAX: "100",
});
const { token } = await stack.mint();
const client = createRawClient(stack.sidecar.mcpUrl, token);
const session = await client.session();

/** The ways to be answered by a stream, in both eras. */
const streams: Readonly<Record<string, () => Asking>> = {
  "a call of the legacy era": () => ({ body: call(1, "slow"), headers: session }),
  "a call of the modern era": () => modern(1, "tools/call", { name: "slow", arguments: {} }),
  "a stream of a session": () => ({ verb: "GET", headers: session }),
  "a subscription": () => modern(1, "subscriptions/listen", { notifications: { toolsListChanged: true } }),
};

for (const [title, asking] of Object.entries(streams)) {
  test(`${title} has its head before its first event, and each event before the next`, DEADLINE, async () => {
    const asked = Promise.withResolvers<Asked>();
    server.play((each) => {
      beginStream(each);
      asked.resolve(each);
    });
    // Whatever is held back is waited for in vain: the server says nothing more before the client has what was said.
    const response = await client.open(asking()).head;
    assert.equal(response.statusCode, 200);
    assert.match(String(response.headers["content-type"]), /^text\/event-stream/);
    const { response: upstream } = await asked.promise;
    for (const text of [
      ": comment\n\n",
      "id: 7\nretry: 500\ndata: \n\n",
      eventOf({ method: "notifications/message" }),
    ]) {
      upstream.write(text);
      assert.equal(String(await nextChunk(response)), text);
    }
    response.destroy();
    await once(upstream, "close");
  });

  test(`${title} that its caller leaves ends at the tool server at once`, DEADLINE, async () => {
    for (const moment of ["before the head", "after the head"]) {
      const asked = Promise.withResolvers<Asked>();
      server.play((each) => {
        if (moment === "after the head") beginStream(each);
        asked.resolve(each);
      });
      const { request, head } = client.open(asking());
      // A refusal is an answer too, and would be waited for in vain.
      const { response: upstream } = await Promise.race([asked.promise, head.then(() => asked.promise)]);
      if (moment === "after the head") await head;
      const ended = once(upstream, "close");
      const leftMs = performance.now();
      request.destroy();
      await ended;
      const tookMs = performance.now() - leftMs;
      assert.ok(tookMs < 2_000, `${moment}: ${tookMs} ms`);
      assert.equal(upstream.writableFinished, false);
    }
  });
}

test(
  "a tool server that dies in the middle of a stream leaves a broken stream, and the event says so",
  DEADLINE,
  async () => {
    for (const [name, asking] of [
      ["dies-legacy", { body: call(1, "dies-legacy"), headers: session }],
      ["dies-modern", modern(1, "tools/call", { name: "dies-modern", arguments: {} })],
    ] as const) {
      server.play((each) => {
        beginStream(each);
        each.response.write(eventOf({ method: "notifications/message" }), () => each.response.destroy());
      });
      const response = await client.open(asking).head;
      await assert.rejects(readAll(response), { code: "ECONNRESET" });
      assert.equal(server.asked.length, 1, "nobody tried again");
      const event = await eventOfTool(name);
      assert.equal(event.decision, "allow");
      assert.equal(event.outcome, "failed");
      assert.equal(event.upstream_status, 200);
      assert.match(event.reason, /may have run/);
    }
  },
);

test(
  "a stream that ends without an answer ends for the caller too, and the event says that the answer is missing",
  DEADLINE,
  async () => {
    server.play((each) => {
      beginStream(each);
      each.response.end(eventOf({ method: "notifications/message" }));
    });
    const response = await client.open({ body: call(1, "leaves-out"), headers: session }).head;
    await readAll(response).catch(() => {});
    const event = await eventOfTool("leaves-out");
    assert.equal(event.outcome, "failed");
    assert.match(event.reason, /before it was complete; the call may have run/);
  },
);

test(
  "a tool server that dies before its answer is an error that says so, and nobody tries again",
  DEADLINE,
  async () => {
    server.play(({ response }) => void response.destroy());
    const { status, body } = await client.ask({ body: call(9, "dies-early"), headers: session });
    assert.equal(status, 200);
    const { id, error } = JSON.parse(body) as {
      id: number;
      error: { code: number; data: { reason: string } };
    };
    assert.deepEqual([id, error.code, error.data.reason], [9, -32018, "upstream.unavailable"]);
    assert.equal(server.asked.length, 1);
    const event = await eventOfTool("dies-early");
    assert.equal(event.outcome, "failed");
    assert.match(event.reason, /may have run/);
  },
);

test(
  "a reader who does not read holds the tool server back instead of filling the sidecar's memory",
  DEADLINE,
  async () => {
    const chunk = eventOf({
      method: "notifications/message",
      params: { level: "info", data: "x".repeat(65_000) },
    });
    const chunks = 1_500;
    const held = Promise.withResolvers<number>();
    server.play(async (each) => {
      beginStream(each);
      for (let sent = 0; sent < chunks; sent += 1) {
        if (each.response.write(chunk)) continue;
        const stuck = setTimeout(() => held.resolve(sent), 3_000);
        await once(each.response, "drain");
        clearTimeout(stuck);
      }
      each.response.end(eventOf({ id: each.id, result: { content: [] } }));
    });
    const beforeBytes = residentBytes(stack.sidecar.process.pid);
    const response = await client.open({ body: call(1, "flood"), headers: session }).head;
    const sent = await held.promise;
    const sentBytes = sent * chunk.length;
    const grownBytes = residentBytes(stack.sidecar.process.pid) - beforeBytes;
    assert.ok(sentBytes < 32_000_000, `${sentBytes} bytes were taken from the tool server`);
    assert.ok(grownBytes < 64_000_000, `the sidecar grew by ${grownBytes} bytes`);
    const all = await readAll(response);
    assert.equal(all.match(/^data: /gm)?.length, chunks + 1, "nothing is lost once the reader reads");
  },
);

async function eventOfTool(tool: string) {
  return eventually(async () => {
    const found = (await toolCallEvents(stack.admin)).filter((event) => event.tool === tool);
    assert.equal(found.length, 1, `one event for ${tool}`);
    const [event] = found;
    assert.ok(event !== undefined);
    return event;
  });
}

const nextChunk = async (response: IncomingMessage): Promise<unknown> => {
  const [chunk] = await once(response, "data");
  return chunk;
};

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

/** Linux only; elsewhere the growth is 0 and nothing is said. */
function residentBytes(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}
