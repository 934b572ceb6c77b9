import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeSseEvent } from "@postern/mcp";
import { wholeBody } from "./body.ts";
import { type CallClientOptions, createCallClient } from "./session.ts";
import { faultOf, forever, requestOf, textOf } from "./upstream.fixture.ts";
import {
  mayHaveRun,
  type Upstream,
  type UpstreamRequest,
  type UpstreamResponse,
  upstreamFault,
} from "./upstream.ts";

type Sent = UpstreamRequest & { readonly value: { id?: unknown; method?: string; [key: string]: unknown } };
type Script = (sent: Sent, index: number) => Partial<UpstreamResponse> | Promise<Partial<UpstreamResponse>>;

const json = (value: object) => ({
  headers: { "content-type": "application/json" },
  body: wholeBody(Buffer.from(JSON.stringify(value))),
});
const events = (...values: readonly object[]) => ({
  headers: { "content-type": "text/event-stream" },
  body: wholeBody(
    Buffer.from(
      `id: 1\ndata:\n\n${values.map((value) => encodeSseEvent({ data: JSON.stringify(value) })).join("")}`,
    ),
  ),
});
const answer = ({ value }: Sent, result: object = {}) => json({ jsonrpc: "2.0", id: value.id, result });

/** An upstream that answers as a script says, and keeps what it was sent. */
function memoryUpstream(
  call: Script,
  open: Script = (sent) => opening(sent, "s1"),
): { upstream: Upstream; sent: Sent[] } {
  const sent: Sent[] = [];
  const upstream: Upstream = {
    name: "memory",
    async forward(request, signal) {
      signal.throwIfAborted();
      const value = request.body === undefined ? {} : JSON.parse(Buffer.from(request.body).toString());
      const one = { ...request, value };
      sent.push(one);
      const index = sent.filter((other) => other.value.method === value.method).length;
      const isTold = value.method?.startsWith("notifications/") || value.method === undefined;
      const scripted = isTold
        ? { status: 202 }
        : await (value.method === "initialize" ? open : call)(one, index);
      return { status: 200, headers: {}, body: wholeBody(new Uint8Array()), ...scripted };
    },
    probe: async () => ({ ok: true }),
    close: async () => {},
  };
  return { upstream, sent };
}

function opening(sent: Sent, sessionId: string | undefined): Partial<UpstreamResponse> {
  const { headers, body } = answer(sent, {
    protocolVersion: "2025-06-18",
    capabilities: {},
    serverInfo: { name: "m", version: "1" },
  });
  return { headers: { ...headers, ...(sessionId !== undefined && { "mcp-session-id": sessionId }) }, body };
}

function clientOf(upstream: Upstream, options: Partial<CallClientOptions> = {}) {
  const client = createCallClient({ upstream, clientInfo: { name: "test", version: "1" }, ...options });
  const call = (id: string | number, signal = forever()) => {
    const { message, body } = requestOf({
      id,
      method: "tools/call",
      params: { name: "t", arguments: { n: 1 } },
    });
    return client.callOnce(message, body, signal);
  };
  return { ...client, call };
}

const methods = (sent: readonly Sent[]) =>
  sent.map(({ method, value }) => value.method ?? (method === "DELETE" ? "DELETE" : "answer"));

test("many first calls open one session, and each is answered under its own id", async () => {
  const { upstream, sent } = memoryUpstream((one) => answer(one, { echoed: one.value.id }));
  const client = clientOf(upstream);
  const answers = await Promise.all(["x", "x", 1].map((id) => client.call(id)));
  assert.deepEqual(methods(sent), [
    "initialize",
    "notifications/initialized",
    "tools/call",
    "tools/call",
    "tools/call",
  ]);
  const calls = sent.slice(2);
  assert.equal(new Set(calls.map(({ value }) => value.id)).size, 3);
  for (const { headers } of calls) {
    assert.equal(headers.get("mcp-session-id"), "s1");
    assert.equal(headers.get("mcp-protocol-version"), "2025-06-18");
  }
  const bodies = await Promise.all(answers.map(textOf));
  assert.deepEqual(
    bodies.map((body) => JSON.parse(body).id),
    ["x", "x", 1],
  );
  await client.close();
  assert.equal(methods(sent).at(-1), "DELETE");
});

test("a stream collapses to the answer; a question on the way is refused, a ping answered", async () => {
  const { upstream, sent } = memoryUpstream((one) =>
    events(
      { jsonrpc: "2.0", method: "notifications/progress", params: {} },
      { jsonrpc: "2.0", id: "q", method: "sampling/createMessage", params: {} },
      { jsonrpc: "2.0", id: 9, method: "ping" },
      { jsonrpc: "2.0", id: 12345, result: { other: true } },
      { jsonrpc: "2.0", id: one.value.id, result: { mine: true } },
    ),
  );
  const reply = await clientOf(upstream).call("me");
  assert.deepEqual(reply.headers, { "content-type": "application/json" });
  assert.deepEqual(JSON.parse(await textOf(reply)), { jsonrpc: "2.0", id: "me", result: { mine: true } });
  const answers = sent
    .filter(({ method, value }) => method === "POST" && value.method === undefined)
    .map(({ value }) => value);
  assert.equal((answers[0]?.error as { code?: number } | undefined)?.code, -32601);
  assert.deepEqual(answers[1], { jsonrpc: "2.0", id: 9, result: {} });
});

const gone = { jsonrpc: "2.0", id: null, error: { code: -32001, message: "gone" } };
const withoutNotices = (sent: readonly Sent[]) =>
  methods(sent).filter((method) => method !== "notifications/initialized");

test("a call that is answered 404 is never sent again, and the next call opens a new session", async () => {
  for (const ended of [(one: Sent) => answer(one, { ran: true }), () => json(gone)]) {
    const { upstream, sent } = memoryUpstream(
      (one, index) => (index === 1 ? { status: 404, ...ended(one) } : answer(one)),
      (one, index) => opening(one, `s${index}`),
    );
    const client = clientOf(upstream);
    const fault = await faultOf(client.call(1));
    assert.deepEqual([fault.code, mayHaveRun(fault)], ["upstream.unavailable", true]);
    assert.match(fault.message, /the call may have run/);
    assert.deepEqual(withoutNotices(sent), ["initialize", "tools/call"]);
    assert.equal((await client.call(2)).status, 200);
    assert.deepEqual(withoutNotices(sent).slice(2), ["initialize", "tools/call"]);
    assert.equal(sent.at(-1)?.headers.get("mcp-session-id"), "s2");
  }
});

test("a call that provably reached nobody is sent once, in a new session", async () => {
  const { upstream, sent } = memoryUpstream(
    (one, index) => (index === 1 ? { status: 404, ...json(gone), neverSent: true } : answer(one)),
    (one, index) => opening(one, `s${index}`),
  );
  assert.equal((await clientOf(upstream).call(1)).status, 200);
  assert.deepEqual(withoutNotices(sent), ["initialize", "tools/call", "initialize", "tools/call"]);
  const dying = memoryUpstream(() => ({ status: 404, ...json(gone), neverSent: true }));
  const fault = await faultOf(clientOf(dying.upstream).call(1));
  assert.deepEqual([fault.code, mayHaveRun(fault)], ["upstream.unavailable", false]);
  assert.equal(withoutNotices(dying.sent).length, 4);
});

test("an answer of 400 is passed on, and the next call opens a new session", async () => {
  const { upstream, sent } = memoryUpstream((one, index) =>
    index === 1
      ? {
          status: 400,
          ...json({ jsonrpc: "2.0", id: one.value.id, error: { code: -32000, message: "no session" } }),
        }
      : answer(one),
  );
  const client = clientOf(upstream);
  const refused = await client.call("a");
  assert.deepEqual([refused.status, JSON.parse(await textOf(refused)).id], [400, "a"]);
  assert.equal((await client.call("b")).status, 200);
  assert.equal(methods(sent).filter((method) => method === "initialize").length, 2);
});

test("a server that keeps no sessions, or refuses to initialize, still gets the call", async () => {
  const stateless = memoryUpstream(
    (one) => answer(one),
    (one) => opening(one, undefined),
  );
  const client = clientOf(stateless.upstream);
  assert.equal((await client.call(1)).status, 200);
  assert.equal(stateless.sent.at(-1)?.headers.get("mcp-session-id"), undefined);
  await client.close();
  assert.equal(methods(stateless.sent).includes("DELETE"), false);
  const refusing = memoryUpstream(
    (one) => answer(one),
    (one) => json({ jsonrpc: "2.0", id: one.value.id, error: { code: -32601, message: "no such method" } }),
  );
  assert.equal((await clientOf(refusing.upstream).call(1)).status, 200);
  assert.equal(refusing.sent.at(-1)?.headers.get("mcp-protocol-version"), undefined);
});

test("trouble in opening a session is told as a call never sent, and the next call tries anew", async () => {
  const { upstream, sent } = memoryUpstream(
    (one) => answer(one),
    (one, index) => {
      if (index === 1) throw upstreamFault("upstream.timeout", "late", { sent: true });
      return opening(one, "s");
    },
  );
  const client = clientOf(upstream);
  const faults = await Promise.all([faultOf(client.call(1)), faultOf(client.call(2))]);
  for (const fault of faults)
    assert.deepEqual([fault.code, mayHaveRun(fault)], ["upstream.unavailable", false]);
  assert.equal((await client.call(3)).status, 200);
  assert.equal(methods(sent).filter((method) => method === "tools/call").length, 1);
});

test("a caller that leaves while the session opens leaves it to the others", async () => {
  let open: (() => void) | undefined;
  const { upstream } = memoryUpstream(
    (one) => answer(one),
    async (one) => {
      await new Promise<void>((resolve) => (open = resolve));
      return opening(one, "s");
    },
  );
  const client = clientOf(upstream);
  const gone = new AbortController();
  const left = faultOf(client.call(1, gone.signal));
  const stays = client.call(2);
  gone.abort();
  assert.deepEqual([(await left).code, mayHaveRun(await left)], ["upstream.aborted", false]);
  open?.();
  assert.equal((await stays).status, 200);
});

test("a stream that ends without the answer, or an answer beyond its bound, is trouble after the fact", async () => {
  const ended = memoryUpstream(() =>
    events({ jsonrpc: "2.0", method: "notifications/progress", params: {} }),
  );
  const huge = memoryUpstream((one) => answer(one, { text: "x".repeat(2_000) }));
  const html = memoryUpstream(() => ({
    status: 502,
    headers: { "content-type": "text/html" },
    body: wholeBody(Buffer.from("<p>")),
  }));
  for (const { upstream } of [ended, huge, html]) {
    const fault = await faultOf(clientOf(upstream, { answerBytesMax: 1_000 }).call(1));
    assert.deepEqual([fault.code, mayHaveRun(fault)], ["upstream.protocol", true]);
  }
});
