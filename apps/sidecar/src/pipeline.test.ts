import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault } from "@postern/fault";
import { jsonAnswer, sseAnswer } from "./answers.fixture.ts";
import { createMemoryExchange, toolCall } from "./exchange.fixture.ts";
import { createRig } from "./pipeline.fixture.ts";
import { upstreamFault } from "./upstream/upstream.ts";

test("an allowed call reaches the upstream as the very bytes that came, and its one event says how it ended", async (t) => {
  const rig = await createRig(t);
  const bytes = Buffer.from(
    '{"jsonrpc":"2.0", "id":7,"method":"tools/call","params":{"arguments":{"b":1,"a":"x"},"name":"echo"}}',
  );
  const got = await rig.send(bytes);
  assert.deepEqual([got.status, got.answers, got.state], [200, 1, "ended"]);
  assert.deepEqual(
    rig.forwarded.map(({ body }) => Buffer.from(body ?? []).toString()),
    [bytes.toString()],
  );
  const [event, ...others] = await rig.events();
  assert.equal(others.length, 0);
  assert.deepEqual(
    [
      event?.decision,
      event?.outcome,
      event?.outcomes,
      event?.tool,
      event?.agent_id,
      event?.upstream_status,
      event?.cost_micros,
    ],
    ["allow", "executed", 1, "echo", "alice", 200, 7],
  );
  assert.deepEqual([event?.arg_keys, event?.arg_values, event?.policy_revision], [["b", "a"], {}, 3]);
  assert.match(event?.args_digest ?? "", /^[0-9a-f]{64}$/);
  assert.deepEqual([...rig.closed.values()], [["settled"]]);
});

test("the event is complete before the caller has the answer", async (t) => {
  const rig = await createRig(t);
  const exchange = createMemoryExchange();
  const whole = exchange.whole;
  let durable = 0;
  exchange.whole = (...given) => {
    durable = rig.spool.usage().records;
    whole(...given);
  };
  await rig.send(toolCall("echo"), { exchange });
  assert.equal(durable, 2);
});

test("the caller's token never travels on", async (t) => {
  const rig = await createRig(t);
  const { createRequestHeaders } = await import("./upstream/travelling-headers.ts");
  await rig.send(toolCall("echo"), {
    headers: { "x-intent-prompt": "echo it", cookie: "c=1", "mcp-protocol-version": "2025-11-25" },
  });
  const sent = createRequestHeaders()(rig.forwarded[0] ?? { headers: new Map() });
  assert.deepEqual(sent.filter((_, at) => at % 2 === 0).sort(), [
    "accept",
    "accept-encoding",
    "content-type",
    "mcp-protocol-version",
  ]);
});

test("a call that cannot be recorded is not made, and its budget goes back", async (t) => {
  const rig = await createRig(t, {
    journal: {
      speaker: { tenant: "acme", sidecarId: "s", epoch: 1 },
      append: async () => {
        throw new Fault("unavailable", "audit.spool_full", "full");
      },
      appendOutcome: async () => {},
    },
  });
  const got = await rig.send(toolCall("echo"));
  assert.deepEqual([got.json().error?.code, got.json().error?.data.reason], [-32019, "audit.unavailable"]);
  assert.deepEqual(rig.forwarded, []);
  assert.deepEqual([...rig.closed.values()], [["released"]]);
  const denied = await rig.send(toolCall("deny:policy"));
  assert.equal(denied.json().error?.code, -32019);
});

test("what went stale after the judgement is not forwarded", async (t) => {
  const rig = await createRig(t, { stale: () => ({ code: "capability.stale", detail: "stale" }) });
  const got = await rig.send(toolCall("echo"));
  assert.equal(got.json().error?.data.reason, "capability.stale");
  assert.deepEqual(rig.forwarded, []);
  const [event] = await rig.events();
  assert.deepEqual([event?.outcome, event?.outcomes], ["failed", 1]);
  assert.deepEqual([...rig.closed.values()], [["released"]]);
});

test("an upstream's own error passes unchanged and counts as executed", async (t) => {
  const rig = await createRig(t);
  const error = { code: -32602, message: "Unknown tool: echo", data: { n: 1 } };
  rig.answering = () => jsonAnswer({ jsonrpc: "2.0", id: 1, error });
  const got = await rig.send(toolCall("echo"));
  assert.deepEqual(got.json().error, error);
  assert.equal((await rig.events())[0]?.outcome, "executed");
});

const TROUBLE: readonly [
  title: string,
  answering: () => never | ReturnType<typeof jsonAnswer>,
  reason: string,
  closed: string,
][] = [
  [
    "it cannot be reached",
    () => {
      throw upstreamFault("upstream.unavailable", "no", { sent: false });
    },
    "upstream.unavailable",
    "released",
  ],
  [
    "it takes too long",
    () => {
      throw upstreamFault("upstream.timeout", "late", { sent: true });
    },
    "upstream.timeout",
    "settled",
  ],
  ["it answers 500", () => jsonAnswer({ oops: true }, 500), "upstream.protocol", "settled"],
  ["it refuses our credential", () => jsonAnswer({}, 401), "upstream.protocol", "settled"],
  ["it answers something else than JSON-RPC", () => jsonAnswer({ hello: 1 }), "upstream.protocol", "settled"],
  [
    "it answers another request",
    () => jsonAnswer({ jsonrpc: "2.0", id: 2, result: {} }),
    "upstream.protocol",
    "settled",
  ],
  [
    "it answers a batch",
    () => jsonAnswer([{ jsonrpc: "2.0", id: 1, result: {} }]),
    "upstream.protocol",
    "settled",
  ],
  [
    "it answers too much",
    () => jsonAnswer({ jsonrpc: "2.0", id: 1, result: "x".repeat(70_000) }),
    "upstream.protocol",
    "settled",
  ],
];
for (const [title, answering, reason, closed] of TROUBLE) {
  test(`trouble with the upstream is told and recorded: ${title}`, async (t) => {
    const rig = await createRig(t);
    rig.answering = answering;
    const got = await rig.send(toolCall("echo"));
    assert.equal(got.status, 200);
    assert.deepEqual([got.json().error?.code, got.json().error?.data.reason], [-32018, reason]);
    const [event] = await rig.events();
    assert.deepEqual([event?.decision, event?.outcome, event?.outcomes], ["allow", "failed", 1]);
    assert.ok(event?.reason);
    assert.deepEqual([...rig.closed.values()], [[closed]]);
  });
}

const progress = {
  jsonrpc: "2.0",
  method: "notifications/progress",
  params: { progressToken: 1, progress: 1 },
};
const result = { jsonrpc: "2.0", id: 1, result: { content: [] } };

test("a streamed answer passes event by event, and is settled before its last event", async (t) => {
  const rig = await createRig(t);
  rig.answering = () => sseAnswer([progress, result]);
  const outcomes: number[] = [];
  const exchange = createMemoryExchange();
  const write = exchange.write;
  exchange.write = async (bytes) => {
    outcomes.push((await rig.events())[0]?.outcomes ?? 0);
    return write(bytes);
  };
  await rig.send(toolCall("echo"), { exchange });
  assert.deepEqual(outcomes, [0, 1]);
  assert.equal(exchange.state, "ended");
  assert.equal(
    exchange.text,
    [progress, result].map((event) => `event: message\ndata: ${JSON.stringify(event)}\n\n`).join(""),
  );
  assert.equal((await rig.events())[0]?.outcome, "executed");
});

test("a stream that breaks, ends early or is left has exactly one outcome, and is never taken for whole", async (t) => {
  const broken = upstreamFault("upstream.unavailable", "reset", { sent: true });
  for (const [events, leaveAfter, state] of [
    [[progress, broken], 9, "broken"],
    [[progress], 9, "ended"],
    [[progress, progress, result], 1, "ended"],
  ] as const) {
    const rig = await createRig(t);
    rig.answering = () => sseAnswer(events);
    const got = await rig.send(toolCall("echo"), { exchange: createMemoryExchange({ leaveAfter }) });
    assert.equal(got.state, state);
    const [event] = await rig.events();
    assert.deepEqual([event?.outcome, event?.outcomes], ["failed", 1]);
    assert.deepEqual([...rig.closed.values()], [["settled"]]);
  }
});
