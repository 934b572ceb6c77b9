import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { canRepeat, createDecisionCache } from "./decision-cache.ts";

const REPEATING: readonly (readonly [boolean, readonly string[]])[] = [
  [true, []],
  [true, ["tool", "agent_id"]],
  [true, ["args", "capability", "time.hour", "time.minute", "session_id"]],
  [true, ["budgetary"]],
  [false, ["*"]],
  [false, ["tool", "request_id"]],
  [false, ["time"]],
  [false, ["time.now"]],
  [false, ["time.unix_ms"]],
  [false, ["budget"]],
  [false, ["budget.calls_remaining"]],
];
for (const [repeats, paths] of REPEATING) {
  test(`calls of a policy that reads [${paths}] ${repeats ? "may" : "never"} repeat`, () => {
    assert.equal(canRepeat(paths), repeats);
  });
}

test("what was put is found again, under its own text only", () => {
  const cache = createDecisionCache<number>();
  cache.put("a", 1);
  assert.deepEqual([cache.get("a"), cache.get("b"), cache.get("A")], [1, undefined, undefined]);
});

test("it holds twice its size at most, and what is asked for stays", () => {
  const cache = createDecisionCache<number>({ entriesMax: 4, trialLookups: 1e9 });
  for (let n = 0; n < 1_000; n += 1) {
    cache.put(`${n}`, n);
    assert.equal(cache.get("0"), 0, "asked for again and again");
  }
  const kept = Array.from({ length: 1_000 }, (_, n) => n).filter((n) => cache.get(`${n}`) !== undefined);
  assert.ok(kept.length <= 8, `${kept.length} are kept`);
});

test("a text that is too long is not kept", () => {
  const cache = createDecisionCache<number>({ charsMax: 3 });
  cache.put("abcd", 1);
  cache.put("abc", 2);
  assert.deepEqual([cache.get("abcd"), cache.get("abc")], [undefined, 2]);
});

test("where nothing repeats it rests for a while, and tries again", () => {
  const cache = createDecisionCache<number>({ trialLookups: 10, restCalls: 5 });
  for (let n = 0; n < 11; n += 1) {
    assert.equal(cache.get(`${n}`), undefined);
    cache.put(`${n}`, n);
  }
  const heard = Array.from({ length: 5 }, () => {
    const found = cache.get("7");
    cache.put("7", 7);
    return found;
  });
  assert.deepEqual(heard, [undefined, undefined, undefined, undefined, undefined]);
  cache.put("7", 7);
  assert.equal(cache.get("7"), 7);
});

test("property: whatever is asked and put, what is found is what was put last", () => {
  const key = fc.integer({ min: 0, max: 12 }).map(String);
  const step = fc.oneof(fc.record({ get: key }), fc.record({ put: key, value: fc.nat() }));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const cache = createDecisionCache<number>({ entriesMax: 3, trialLookups: 20, restCalls: 7 });
      const latest = new Map<string, number>();
      for (const each of steps) {
        if ("get" in each) {
          const found = cache.get(each.get);
          assert.ok(found === undefined || found === latest.get(each.get));
        } else {
          // A decision follows from its text, so the same text never has two.
          const value = latest.get(each.put) ?? each.value;
          latest.set(each.put, value);
          cache.put(each.put, value);
        }
      }
    }),
  );
});
