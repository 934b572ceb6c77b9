import assert from "node:assert/strict";
import { test } from "node:test";
import { readMessage } from "@postern/mcp";
import { fixedClock } from "@postern/testkit";
import { call, dataIn, initialize, isAlive, openScripted } from "./stdio.fixture.ts";
import { faultOf, forever, requestOf, textOf, until } from "./upstream.fixture.ts";
import { isOutage, mayHaveRun } from "./upstream.ts";

const MODERN = { "mcp-protocol-version": "2026-07-28" };
const SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId";

const stateless = (value: object) => requestOf(value, MODERN);
const jsonOf = async (answer: Parameters<typeof textOf>[0]) => JSON.parse(await textOf(answer));

test("requests without a session share one process, under ids of ours, and no byte of their arguments changes", async (t) => {
  const upstream = openScripted(t, "answer(message, { pid: process.pid, line })");
  const text =
    '{"jsonrpc":"2.0","id":"\\u0061","method":"tools/call","params":{"name":"t","arguments":{"id":1.50,"s":"a\\nb"}}}';
  const body = Buffer.from(text);
  const read = readMessage(body, { bytesMax: body.byteLength });
  assert.ok(read.ok);
  const own = { ...stateless(JSON.parse(text)), body, message: read.message };
  const answers = await Promise.all(
    [own, own, stateless(call(7))].map(async (one) => textOf(await upstream.forward(one, forever()))),
  );
  assert.ok(answers[0]?.includes('"id":"\\u0061"'));
  const parsed = answers.map((answer) => JSON.parse(answer));
  assert.deepEqual(
    parsed.map(({ id }) => id),
    ["a", "a", 7],
  );
  assert.equal(new Set(parsed.map(({ result }) => result.pid)).size, 1);
  const [first, second] = parsed.map(({ result }) => result.line);
  assert.notEqual(JSON.parse(first).id, JSON.parse(second).id);
  for (const line of [first, second]) assert.equal(line.replace(/"id":\d+/, '"id":"\\u0061"'), text);
});

test("sessions still have processes of their own beside the shared one", async (t) => {
  const upstream = openScripted(t, "answer(message, { pid: process.pid })");
  const { headers, pid } = await initialize(upstream);
  const ofSession = await jsonOf(await upstream.forward(requestOf(call(1), headers), forever()));
  const shared = await jsonOf(await upstream.forward(stateless(call(1)), forever()));
  assert.equal(ofSession.result.pid, pid);
  assert.notEqual(shared.result.pid, pid);
});

test("progress comes back under each client's own token, though all chose the same", async (t) => {
  const upstream = openScripted(
    t,
    `(globalThis.asked ??= []).push(message);
     if (globalThis.asked.length === 3)
       for (const { id, params } of globalThis.asked.reverse()) {
         const progressToken = params._meta.progressToken;
         say({ jsonrpc: "2.0", method: "notifications/progress", params: { progressToken, progress: 1, message: params.name } });
         answer({ id }, { name: params.name, token: progressToken });
       }`,
  );
  const tokens = ["same", "same", 7];
  const answers = await Promise.all(
    tokens.map(async (progressToken, index) =>
      dataIn(
        await textOf(
          await upstream.forward(
            stateless(call("same", { name: `n${index}`, _meta: { progressToken } })),
            forever(),
          ),
        ),
      ),
    ),
  );
  for (const [index, [progress, answer, ...rest]] of answers.entries()) {
    assert.deepEqual(progress.params, { progressToken: tokens[index], progress: 1, message: `n${index}` });
    assert.deepEqual([answer.id, answer.result.name, rest], ["same", `n${index}`, []]);
  }
  assert.equal(new Set(answers.map(([, answer]) => answer.result.token)).size, 3);
});

test("what a subscription brings comes to who subscribed, under its own id, and to nobody else", async (t) => {
  const upstream = openScripted(
    t,
    `if (message.method === "subscriptions/listen") {
       const tell = (method) => say({ jsonrpc: "2.0", method, params: { _meta: { "${SUBSCRIPTION}": message.id }, of: message.params.of } });
       tell("notifications/subscriptions/acknowledged");
       (globalThis.told ??= []).push(() => { tell("notifications/tools/list_changed"); say({ jsonrpc: "2.0", id: message.id, result: { _meta: { "${SUBSCRIPTION}": message.id } } }); });
     } else for (const tell of globalThis.told) tell();`,
  );
  const subscribe = (of: string) =>
    upstream.forward(stateless({ id: "s", method: "subscriptions/listen", params: { of } }), forever());
  const [alice, bob] = await Promise.all([subscribe("alice"), subscribe("bob")]);
  upstream.forward(stateless(call(1)), forever()).catch(() => {});
  for (const [answer, of] of [
    [alice, "alice"],
    [bob, "bob"],
  ] as const) {
    const params = { _meta: { [SUBSCRIPTION]: "s" }, of };
    assert.deepEqual(dataIn(await textOf(answer)), [
      { jsonrpc: "2.0", method: "notifications/subscriptions/acknowledged", params },
      { jsonrpc: "2.0", method: "notifications/tools/list_changed", params },
      { jsonrpc: "2.0", id: "s", result: { _meta: { [SUBSCRIPTION]: "s" } } },
    ]);
  }
});

test("a caller that leaves is told to the process under the id it knows, and others go on", async (t) => {
  const upstream = openScripted(
    t,
    `if (message.method === "notifications/cancelled") answer({ id: globalThis.last }, { cancelled: message.params.requestId, wanted: globalThis.first });
     else if (globalThis.first === undefined) globalThis.first = message.id;
     else globalThis.last = message.id;`,
  );
  const gone = new AbortController();
  const left = faultOf(upstream.forward(stateless(call("same")), gone.signal));
  const stays = upstream.forward(stateless(call("same")), forever());
  gone.abort();
  assert.equal((await left).code, "upstream.aborted");
  const { result, id } = await jsonOf(await stays);
  assert.deepEqual([id, result.cancelled], ["same", result.wanted]);
});

test("what names an id of its client, or belongs to no request, goes nowhere", async (t) => {
  const upstream = openScripted(
    t,
    `if (message.method !== "tools/call") { globalThis.refusal ??= message; return; }
     if (globalThis.refusal === undefined) {
       say({ jsonrpc: "2.0", method: "notifications/message", params: { data: "whose?" } });
       say({ jsonrpc: "2.0", method: "notifications/progress", params: { progressToken: 999, progress: 1 } });
       say({ jsonrpc: "2.0", method: "notifications/tools/list_changed", params: { _meta: { "${SUBSCRIPTION}": 999 } } });
       say({ jsonrpc: "2.0", id: "ask", method: "sampling/createMessage", params: {} });
       say({ jsonrpc: "2.0", id: 999, result: {} });
     }
     const wait = () => (globalThis.refusal === undefined ? setImmediate(wait) : answer(message, globalThis.refusal));
     wait();`,
  );
  const cancel = { method: "notifications/cancelled", params: { requestId: 1 } };
  const waiting = upstream.forward(stateless(call(1)), forever());
  for (const value of [cancel, { id: "ask", result: {} }]) {
    const refused = await upstream.forward(stateless(value), forever());
    assert.deepEqual([refused.status, refused.neverSent], [400, true]);
  }
  const answer = await waiting;
  assert.equal(answer.headers["content-type"], "application/json");
  const { result } = await jsonOf(answer);
  assert.deepEqual([result.id, result.error.code], ["ask", -32601]);
});

test("a crash fails what waits as calls that may have run, and the next request starts a new process, which gets nothing of the old", async (t) => {
  const upstream = openScripted(
    t,
    `if (message.params.name === "crash") process.exit(3);
     if (message.params.name === "ping") answer(message, { pid: process.pid, seen: globalThis.seen ?? [] });
     (globalThis.seen ??= []).push(message.params.name);`,
    { clock: fixedClock() },
  );
  const send = (name: string) => upstream.forward(stateless(call(name, { name })), forever());
  const { result: before } = await jsonOf(await send("ping"));
  const waiting = [send("waits"), send("crash")];
  for (const fault of await Promise.all(waiting.map(faultOf))) {
    assert.deepEqual([fault.code, mayHaveRun(fault), isOutage(fault)], ["upstream.unavailable", true, false]);
    assert.equal(fault.detail, "ended with code 3");
  }
  const { result: after } = await jsonOf(await send("ping"));
  assert.notEqual(after.pid, before.pid);
  assert.deepEqual(after.seen, []);
});

test("a process that crashes again and again is started ever later, and in between requests are refused unsent", async (t) => {
  const clock = fixedClock();
  const upstream = openScripted(t, "process.exit(1)", { clock });
  const crash = () => faultOf(upstream.forward(stateless(call(1)), forever()));
  assert.equal(mayHaveRun(await crash()), true);
  assert.equal(mayHaveRun(await crash()), true);
  const early = await crash();
  assert.deepEqual([early.code, mayHaveRun(early)], ["upstream.unavailable", false]);
  assert.match(early.message, /may start again in 250 ms/);
  clock.advance(250);
  assert.equal(mayHaveRun(await crash()), true);
  assert.match((await crash()).message, /in 500 ms/);
  clock.advance(500);
  assert.equal(mayHaveRun(await crash()), true);
});

test("a session's processes that end before they answer are started ever later too", async (t) => {
  const clock = fixedClock();
  const upstream = openScripted(t, "", { clock, command: [process.execPath, "-e", "process.exit(1)"] });
  const start = () => faultOf(upstream.forward(requestOf({ id: 0, method: "initialize" }), forever()));
  for (let starts = 0; starts < 2; starts += 1) assert.equal((await start()).detail, "ended with code 1");
  const early = await start();
  assert.deepEqual([early.code, mayHaveRun(early)], ["upstream.unavailable", false]);
  assert.match(early.message, /in 250 ms/);
  clock.advance(250);
  assert.equal((await start()).detail, "ended with code 1");
});

test("one client that does not read is given up alone, and halts nobody", async (t) => {
  const upstream = openScripted(
    t,
    `if (message.params.name === "flood") {
       const progressToken = message.params._meta.progressToken;
       for (let n = 0; n < 400; n += 1) say({ jsonrpc: "2.0", method: "notifications/progress", params: { progressToken, progress: n, message: "x".repeat(1000) } });
     } else answer(message, {});`,
    { lineBytesMax: 200_000 },
  );
  const flood = await upstream.forward(
    stateless(call(1, { name: "flood", _meta: { progressToken: 1 } })),
    forever(),
  );
  const other = await upstream.forward(stateless(call(2)), forever());
  assert.equal(other.status, 200);
  const fault = await faultOf(textOf(flood));
  assert.match(fault.message, /does not read/);
});

test("disuse ends the shared process, and closing ends it for good", async (t) => {
  const upstream = openScripted(t, "answer(message, { pid: process.pid })", { idleTtlMs: 50 });
  const ask = async () => (await jsonOf(await upstream.forward(stateless(call(1)), forever()))).result.pid;
  const first = await ask();
  await until(() => !isAlive(first));
  const second = await ask();
  assert.notEqual(second, first);
  await upstream.close();
  assert.equal(isAlive(second), false);
  assert.equal(mayHaveRun(await faultOf(upstream.forward(stateless(call(1)), forever()))), false);
  const late = AbortSignal.abort();
  assert.equal((await faultOf(upstream.forward(stateless(call(1)), late))).code, "upstream.aborted");
});

test("waiting requests are bounded", async (t) => {
  const upstream = openScripted(t, "", { waitingMax: 2 });
  for (const id of [1, 2]) upstream.forward(stateless(call(id)), forever()).catch(() => {});
  const fault = await faultOf(upstream.forward(stateless(call(3)), forever()));
  assert.deepEqual([fault.code, mayHaveRun(fault)], ["upstream.busy", false]);
});

test("a stream of an unknown era stays with who asked for it", async (t) => {
  const upstream = openScripted(t, "");
  for (const version of ["2025-11-25", "2099-01-01"]) {
    const answer = await upstream.forward(requestOf(call(1), { "mcp-protocol-version": version }), forever());
    assert.equal(answer.status, 400);
  }
});
