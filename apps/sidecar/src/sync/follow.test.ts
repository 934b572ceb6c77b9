import assert from "node:assert/strict";
import { test } from "node:test";
import { NO_VERSIONS } from "@postern/contracts";
import { silentLogger } from "@postern/telemetry";
import { fixedClock } from "@postern/testkit";
import { type FollowPorts, followControlPlane } from "./follow.ts";

type Stream = FollowPorts["controlPlane"]["states"];

async function follow(streams: Stream[], changes: Partial<FollowPorts> = {}) {
  const stopping = new AbortController();
  const taken: string[] = [];
  const from: (string | undefined)[] = [];
  let revocations = 0;
  const ports: FollowPorts = {
    controlPlane: {
      async *states(options) {
        from.push(options.lastEventId);
        const next = streams.shift();
        if (next === undefined) stopping.abort();
        else yield* next(options);
      },
    },
    state: {
      async apply(sealed) {
        if (sealed === "bad") throw new Error("does not verify");
        taken.push(sealed);
        revocations += 1;
        return "revocations";
      },
      versions: () => ({ ...NO_VERSIONS, keys: 1, policy: 2, revocations, pins: 4 }),
    },
    clock: fixedClock(),
    sleep: async (_ms, signal) => {
      if (signal?.aborted !== true) await new Promise((resolve) => setImmediate(resolve));
    },
    random: () => 0,
    log: silentLogger,
    onApplied: async () => {},
    silenceMs: 10_000,
    ...changes,
  };
  await followControlPlane(ports, stopping.signal);
  return { taken, from };
}

const stream = (...events: string[]): Stream =>
  async function* () {
    for (const sealed of events) yield { id: "", sealed };
  };

test("a stream that ends is taken up where what is held ends", async () => {
  const { taken, from } = await follow([stream("a", "b"), stream("c")]);
  assert.deepEqual(taken, ["a", "b", "c"]);
  assert.deepEqual(from, ["k1.p2.h0.u0.r0.t4.a0", "k1.p2.h0.u0.r2.t4.a0", "k1.p2.h0.u0.r3.t4.a0"]);
});

test("a state that does not verify ends its stream: nothing after it is taken in before it has been told again", async () => {
  const { taken } = await follow([stream("a", "bad", "b"), stream("c")]);
  assert.deepEqual(taken, ["a", "c"]);
});

test("a stream that throws is opened again", async () => {
  const broken: Stream = async function* () {
    yield { id: "", sealed: "a" };
    throw new Error("reset");
  };
  assert.deepEqual((await follow([broken, broken, stream("b")])).taken, ["a", "a", "b"]);
});

test("a stream that has gone silent is left", async () => {
  const clock = fixedClock();
  const silent: Stream = async function* ({ signal }) {
    yield { id: "", sealed: "a" };
    clock.advance(10_001);
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  };
  assert.deepEqual((await follow([silent, stream("b")], { clock })).taken, ["a", "b"]);
});

test("a stream that was whole before it broke is opened again at once, however often that happens, and one that never was is not", async () => {
  const waits = async (said: "heartbeat" | "keys"): Promise<number[]> => {
    const waited: number[] = [];
    const broken: Stream = async function* () {
      yield { id: "", sealed: "a" };
      throw new Error("reset");
    };
    await follow([broken, broken, broken, broken], {
      state: { apply: async () => said, versions: () => NO_VERSIONS },
      async sleep(ms, signal) {
        if (ms < 2_500) waited.push(ms);
        if (signal?.aborted !== true) await new Promise((resolve) => setImmediate(resolve));
      },
    });
    return waited.slice(0, 4);
  };
  assert.deepEqual(await waits("heartbeat"), [10, 10, 10, 10]);
  assert.deepEqual(await waits("keys"), [10, 20, 40, 80]);
});
