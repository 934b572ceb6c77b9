import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { type TestContext, test } from "node:test";
import { defer } from "@postern/testkit";
import { openThread } from "./evaluation-thread.ts";
import { opaFor } from "./opa-fixture.ts";
import { createBundlePress, policyText } from "./policy-fixture.ts";

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
  assert.deepEqual(loaded, { kind: "loaded", trials: [{ kind: "result", text: `[{"result":false}]` }] });
  return thread;
}

const evaluate = (inputJson: string, slot = 1) => ({ kind: "evaluate", slot, inputJson }) as const;

test("an answer that came while the asking thread was busy is in time", async (t) => {
  const thread = await threadWith(t, SEARCH);
  if (thread === undefined) return;
  const server = createServer().listen(0, "127.0.0.1");
  defer(t, () => void server.close());
  await once(server, "listening");
  const answer = await new Promise((resolve) => {
    // Between a socket's callback and the next message the loop looks at its timers.
    server.once("connection", (socket) => {
      resolve(thread.ask(evaluate(QUICK), 100));
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
      socket.destroy();
    });
    const { port } = server.address() as AddressInfo;
    connect(port, "127.0.0.1").on("error", () => {});
  });
  assert.deepEqual(answer, { kind: "result", text: `[{"result":false}]` });
});

test("past its deadline a thread is ended, and answers nothing more", async (t) => {
  const thread = await threadWith(t, SEARCH);
  if (thread === undefined) return;
  assert.deepEqual(await thread.ask(evaluate(RUNAWAY), 20), { kind: "overrun" });
  const later = await thread.ask(evaluate(QUICK), 30_000);
  assert.deepEqual(later, { kind: "lost", detail: "the thread was ended at its deadline" });
});

test("a policy that was dropped, or never loaded, is a failure", async (t) => {
  const thread = await threadWith(t, SEARCH);
  if (thread === undefined) return;
  const failure = { kind: "failure", detail: "the policy is not loaded" };
  assert.deepEqual(await thread.ask(evaluate(QUICK, 2), 30_000), failure);
  thread.drop(1);
  assert.deepEqual(await thread.ask(evaluate(QUICK), 30_000), failure);
});

test("closing ends even a runaway, and answers its question", async (t) => {
  const thread = await threadWith(t, SEARCH);
  if (thread === undefined) return;
  const asked = thread.ask(evaluate(RUNAWAY), 600_000);
  await thread.close();
  assert.deepEqual(await asked, { kind: "lost", detail: "the engine was closed" });
});
