import assert from "node:assert/strict";
import { test } from "node:test";
import { fixedClock } from "@postern/testkit";
import { createCircuit } from "./circuit.ts";

function opened({ failuresMax = 3, cooldownMs = 1_000 } = {}) {
  const clock = fixedClock();
  const circuit = createCircuit({ failuresMax, cooldownMs, clock });
  return { clock, circuit, fail: (times: number) => repeat(times, () => circuit.enter()?.failed(true)) };
}

function repeat(times: number, run: () => void): void {
  for (let done = 0; done < times; done += 1) run();
}

function succeed(circuit: ReturnType<typeof createCircuit>): void {
  const attempt = circuit.enter();
  attempt?.answered(false);
  attempt?.ended(false);
}

test("so many failures in a row open it, and success in between starts the count anew", () => {
  const { circuit, fail } = opened();
  fail(2);
  succeed(circuit);
  fail(2);
  assert.equal(circuit.isOpen(), false);
  fail(1);
  assert.equal(circuit.isOpen(), true);
  assert.equal(circuit.enter(), undefined);
  assert.equal(circuit.waitMs(), 1_000);
});

test("an answer that is an error of the server, or breaks off, is a failure", () => {
  const { circuit } = opened({ failuresMax: 2 });
  for (let calls = 0; calls < 2; calls += 1) {
    const attempt = circuit.enter();
    attempt?.answered(calls === 0);
    attempt?.ended(true);
  }
  assert.equal(circuit.isOpen(), true);
});

test("what says nothing about the server counts neither way", () => {
  const { circuit, fail } = opened();
  fail(2);
  repeat(10, () => circuit.enter()?.failed(false));
  assert.equal(circuit.isOpen(), false);
  fail(1);
  assert.equal(circuit.isOpen(), true);
});

test("after the cooldown one call is let through, and its answer closes it for all", () => {
  const { circuit, clock, fail } = opened();
  fail(3);
  clock.advance(999);
  assert.equal(circuit.enter(), undefined);
  clock.advance(1);
  assert.equal(circuit.isOpen(), false);
  const probe = circuit.enter();
  assert.notEqual(probe, undefined);
  assert.deepEqual([circuit.enter(), circuit.isOpen()], [undefined, true]);
  probe?.answered(false);
  assert.notEqual(circuit.enter(), undefined);
  probe?.ended(false);
  fail(2);
  assert.equal(circuit.isOpen(), false);
});

test("a probe that fails opens it for another cooldown, and one that tells nothing leaves it to the next", () => {
  const { circuit, clock, fail } = opened();
  fail(3);
  clock.advance(1_000);
  circuit.enter()?.failed(true);
  assert.equal(circuit.enter(), undefined);
  clock.advance(1_000);
  circuit.enter()?.failed(false);
  const next = circuit.enter();
  assert.notEqual(next, undefined);
  next?.answered(true);
  assert.equal(circuit.enter(), undefined);
});

test("calls that began before it opened neither keep it open nor close it", () => {
  const { circuit, clock, fail } = opened();
  const [early, late] = [circuit.enter(), circuit.enter()];
  fail(3);
  clock.advance(600);
  early?.failed(true);
  assert.equal(circuit.waitMs(), 400);
  late?.answered(false);
  late?.ended(false);
  assert.equal(circuit.enter(), undefined);
});

test("a probe that was overtaken says nothing any more", () => {
  const { circuit, clock, fail } = opened();
  fail(3);
  clock.advance(1_000);
  const first = circuit.enter();
  first?.failed(false);
  const second = circuit.enter();
  first?.answered(false);
  assert.equal(circuit.enter(), undefined);
  second?.answered(false);
  assert.equal(circuit.isOpen(), false);
});

test("zero failures means that it never opens", () => {
  const { circuit, fail } = opened({ failuresMax: 0 });
  fail(1_000);
  assert.equal(circuit.isOpen(), false);
  assert.notEqual(circuit.enter(), undefined);
});
