// The two ways to make calls. In a closed loop each connection has one call under way and makes the next as soon as it is answered. At a
// constant rate a call starts when it is due, whatever became of those before it, and is timed from then on: one that has to wait for a
// connection waits on the clock, so a server that stalls cannot keep the calls that it delays out of the figures.
import { setTimeout as delay } from "node:timers/promises";
import type { Answer } from "./answer-reader.ts";
import type { HttpCaller } from "./http-caller.ts";

export interface Tally {
  readonly latenciesMs: number[];
  readonly firstBytesMs: number[];
  failed: number;
  failure: string;
}

export interface Load {
  readonly callers: readonly HttpCaller[];
  /** Text of the next request, for the caller that will send it. */
  readonly nextRequest: (caller: number) => string;
  readonly isRight: (answer: Answer) => boolean;
  readonly requests: number;
  readonly timeMs: number;
}

const PAUSE_MS = 1;

export async function runClosedLoop(load: Load): Promise<Tally> {
  const tally: Tally = { latenciesMs: [], firstBytesMs: [], failed: 0, failure: "" };
  const endMs = performance.now() + load.timeMs;
  let left = load.requests;
  const loop = async (caller: number) => {
    while (left > 0 && performance.now() < endMs) {
      left -= 1;
      await callOnce(load, caller, performance.now(), tally);
    }
  };
  await Promise.all(load.callers.map((_, caller) => loop(caller)));
  return tally;
}

/** Timers fire late by up to a millisecond, which is the generator's own doing and no part of a latency. */
export async function runAtRate(load: Load, ratePerS: number): Promise<Tally> {
  const tally: Tally = { latenciesMs: [], firstBytesMs: [], failed: 0, failure: "" };
  const free = load.callers.map((_, caller) => caller);
  const waitingSinceMs: number[] = [];
  const open = new Set<Promise<void>>();
  const start = (caller: number, dueMs: number) => {
    const call = callOnce(load, caller, dueMs, tally).finally(() => {
      open.delete(call);
      const next = waitingSinceMs.shift();
      if (next === undefined) free.push(caller);
      else start(caller, next);
    });
    open.add(call);
  };
  const startedMs = performance.now();
  let made = 0;
  for (;;) {
    const nowMs = performance.now();
    const passedMs = Math.min(nowMs - startedMs, load.timeMs);
    const due = Math.min(load.requests, Math.floor((passedMs * ratePerS) / 1_000));
    for (; made < due; made += 1) {
      const caller = free.pop();
      if (caller === undefined) waitingSinceMs.push(nowMs);
      else start(caller, nowMs);
    }
    if (passedMs >= load.timeMs || made >= load.requests) break;
    await delay(PAUSE_MS);
  }
  while (open.size > 0) await Promise.all(open);
  return tally;
}

async function callOnce(load: Load, caller: number, dueMs: number, tally: Tally): Promise<void> {
  const answer = await load.callers[caller]?.call(load.nextRequest(caller));
  if (answer === undefined) throw new RangeError(`there is no caller ${caller}`);
  tally.latenciesMs.push(performance.now() - dueMs);
  tally.firstBytesMs.push(answer.firstByteMs - dueMs);
  if (load.isRight(answer)) return;
  tally.failed += 1;
  tally.failure ||= `HTTP ${answer.status} ${answer.body.toString("utf8", 0, 500)}`;
}
