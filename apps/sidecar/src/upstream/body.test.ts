import assert from "node:assert/strict";
import { test } from "node:test";
import { type BodyPipe, createBodyPipe, HIGH_WATER_BYTES, wholeBody } from "./body.ts";

function piped(): { pipe: BodyPipe; calls: string[] } {
  const calls: string[] = [];
  const pipe = createBodyPipe({
    pause: () => void calls.push("pause"),
    resume: () => void calls.push("resume"),
    abort: () => void calls.push("abort"),
  });
  return { pipe, calls };
}

const text = async ({ body }: BodyPipe) => {
  const pieces: string[] = [];
  for await (const piece of body) pieces.push(Buffer.from(piece).toString());
  return pieces;
};

test("what came before a read is given in one piece, and the end ends the loop", async () => {
  const { pipe, calls } = piped();
  for (const piece of ["a", "", "b"]) pipe.push(Buffer.from(piece));
  pipe.end();
  assert.deepEqual(await text(pipe), ["ab"]);
  assert.deepEqual(calls, []);
});

test("a reader that waits gets each turn's bytes, then the failure", async () => {
  const { pipe } = piped();
  const read = text(pipe);
  await Promise.resolve();
  pipe.push(Buffer.from("a"));
  pipe.fail(new Error("broken"));
  pipe.push(Buffer.from("too late"));
  await assert.rejects(read, /broken/);
});

test("a full buffer pauses its producer once, and reading it resumes the producer once", async () => {
  const { pipe, calls } = piped();
  assert.equal(pipe.push(Buffer.alloc(HIGH_WATER_BYTES - 1)), true);
  assert.equal(pipe.push(Buffer.alloc(1)), false);
  assert.equal(pipe.push(Buffer.alloc(1)), false);
  assert.deepEqual(calls, ["pause"]);
  await pipe.body[Symbol.asyncIterator]().next();
  assert.deepEqual(calls, ["pause", "resume"]);
});

test("whoever ends a paused body, its producer is resumed, since it may have other readers", () => {
  for (const finish of [
    ({ end }: BodyPipe) => end(),
    ({ fail }: BodyPipe) => fail(new Error("x")),
    ({ body }: BodyPipe) => body.cancel(),
  ]) {
    const { pipe, calls } = piped();
    pipe.push(Buffer.alloc(HIGH_WATER_BYTES));
    finish(pipe);
    assert.deepEqual(calls.slice(0, 2), ["pause", "resume"]);
  }
});

test("cancelling tells the producer once, and never after the end", async () => {
  const { pipe, calls } = piped();
  pipe.body.cancel();
  pipe.body.cancel();
  assert.deepEqual(calls, ["abort"]);
  const ended = piped();
  ended.pipe.end();
  ended.pipe.body.cancel();
  assert.deepEqual(ended.calls, []);
  assert.deepEqual(await text(ended.pipe), []);
});

test("a body that has ended can be taken whole instead of read", async () => {
  const { pipe } = piped();
  pipe.push(Buffer.from("a"));
  assert.equal(pipe.takeWhole(), undefined);
  pipe.end();
  assert.equal(Buffer.from(pipe.takeWhole() ?? []).toString(), "a");
  const pieces: Uint8Array[] = [];
  for await (const piece of wholeBody(Buffer.from("x"))) pieces.push(piece);
  for await (const piece of wholeBody(new Uint8Array())) pieces.push(piece);
  assert.equal(Buffer.concat(pieces).toString(), "x");
});

test("who asks when a body is over is told once, however it ends and whether or not it was read, also when it is over already", () => {
  const broken = new Error("broken");
  const endings: readonly [end: (pipe: BodyPipe) => void, failure: Error | undefined][] = [
    [({ end }) => end(), undefined],
    [({ fail }) => fail(broken), broken],
    [({ body }) => body.cancel(), undefined],
  ];
  for (const [end, failure] of endings) {
    const { pipe } = piped();
    const told: (Error | undefined)[] = [];
    pipe.body.onOver((why) => told.push(why));
    assert.equal(told.length, 0);
    end(pipe);
    pipe.fail(new Error("too late"));
    assert.deepEqual(told, [failure]);
    pipe.body.onOver((why) => told.push(why));
    assert.deepEqual(told, [failure, failure]);
  }
  const told: unknown[] = [];
  wholeBody(new Uint8Array()).onOver((why) => told.push(why));
  assert.deepEqual(told, [undefined]);
});
