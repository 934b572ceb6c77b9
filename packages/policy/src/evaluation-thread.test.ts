import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { type TestContext, test } from "node:test";
import { defer } from "@postern/testkit";
import { openThread, type ThreadAnswer } from "./evaluation-thread.ts";
import { opaFor } from "./opa.fixture.ts";
import { createBundlePress, policyText } from "./policy.fixture.ts";

const SEARCH = policyText("decision := contains(input.text, input.pattern)");
const QUICK = JSON.stringify({ text: "a", pattern: "b" });
const RUNAWAY = JSON.stringify({ text: "a".repeat(800_000), pattern: `${"a".repeat(400_000)}b` });

async function threadWith(t: TestContext, source: string) {
  const opaPath = opaFor(t);
  if (opaPath === undefined) return undefined;
  const { module, dataJson } = await (await createBundlePress(opaPath)).open(source);
  const thread = openThread({ memoryPagesMax: 512 });
  defer(t, () => thread.close());
  const load = { kind: "load", slot: 1, module, dataJson, trials: [QUICK] } as const;
  const loaded = await thread.ask(load, 30_000);
  assert.deepEqual(timeless(loaded), { kind: "loaded", trials: [FALSE] });
  return thread;
}

const FALSE = { kind: "result", text: `[{"result":false}]` } as const;

const evaluate = (inputs: string | string[], { slot = 1, runMs = 60_000 } = {}) =>
  ({ kind: "evaluate", slot, inputs: [inputs].flat(), runMs }) as const;

/** The answer without the time that it took, which is some. */
function timeless({ spentMs, ...answer }: ThreadAnswer) {
  assert.ok(spentMs > 0);
  return answer;
}

test("an answer that came while the asking thread was busy is in time", async (t) => {
  const thread = await threadWith(t, SEARCH);
  if (thread === undefined) return;
  const server = createServer().listen(0, "127.0.0.1");
  defer(t, () => void server.close());
  await once(server, "listening");
  const answer = await new Promise<ThreadAnswer>((resolve) => {
    // Between a socket's callback and the next message the loop looks at its timers.
    server.once("connection", (socket) => {
      resolve(thread.ask(evaluate(QUICK), 100));
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
      socket.destroy();
    });
    const { port } = server.address() as AddressInfo;
    connect(port, "127.0.0.1").on("error", () => {});
  });
  assert.deepEqual(timeless(answer), { kind: "evaluated", evaluations: [FALSE] });
});

test("a thread evaluates inputs in turn, until their time is over", async (t) => {
  const thread = await threadWith(t, SEARCH);
  if (thread === undefined) return;
  const all = await thread.ask(evaluate([QUICK, QUICK, QUICK]), 30_000);
  assert.deepEqual(timeless(all), { kind: "evaluated", evaluations: [FALSE, FALSE, FALSE] });
  const cut = await thread.ask(evaluate([QUICK, QUICK, QUICK], { runMs: 0 }), 30_000);
  assert.deepEqual(timeless(cut), { kind: "evaluated", evaluations: [FALSE] });
});

test("the deadline is for each input, and the one that passes it is named", async (t) => {
  const thread = await threadWith(t, SEARCH);
  if (thread === undefined) return;
  const answer = await thread.ask(evaluate([QUICK, RUNAWAY, QUICK]), 1_000);
  assert.deepEqual(timeless(answer), { kind: "overrun", at: 1 });
});

test("past its deadline a thread is ended, and answers nothing more", async (t) => {
  const thread = await threadWith(t, SEARCH);
  if (thread === undefined) return;
  const overrun = await thread.ask(evaluate(RUNAWAY), 20);
  assert.deepEqual(timeless(overrun), { kind: "overrun", at: 0 });
  const later = await thread.ask(evaluate(QUICK), 30_000);
  const detail = "the thread was ended at its deadline";
  assert.deepEqual(later, { kind: "lost", at: 0, spentMs: 0, detail });
});

test("a policy that was dropped, or never loaded, is a failure", async (t) => {
  const thread = await threadWith(t, SEARCH);
  if (thread === undefined) return;
  const failure = { kind: "failure", detail: "the policy is not loaded" };
  assert.deepEqual(timeless(await thread.ask(evaluate(QUICK, { slot: 2 }), 30_000)), failure);
  thread.drop(1);
  assert.deepEqual(timeless(await thread.ask(evaluate(QUICK), 30_000)), failure);
});

test("closing ends even a runaway, and answers its question", async (t) => {
  const thread = await threadWith(t, SEARCH);
  if (thread === undefined) return;
  const asked = thread.ask(evaluate(RUNAWAY), 600_000);
  await thread.close();
  assert.deepEqual(timeless(await asked), { kind: "lost", at: 0, detail: "the engine was closed" });
});
