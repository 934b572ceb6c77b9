import assert from "node:assert/strict";
import { test } from "node:test";
import type { Caveat } from "@postern/contracts";
import fc from "fast-check";
import { chargesFor, isCurrent, limitIn, minuteAt, minuteOf, ownerOfAccount, remainingOf } from "./charge.ts";
import { capabilityWith } from "./ledger-suite.ts";

const NOON = Date.UTC(2026, 0, 1, 12);
const call = { nowMs: NOON, costMicros: 250 };

test("every budget caveat of every hop is charged", () => {
  const made = chargesFor(
    capabilityWith(
      [
        { type: "max_calls", limit: 10 },
        { type: "tool_allow", tools: ["*"] },
      ],
      [
        { type: "rate", per_minute: 3 },
        { type: "max_cost", micros: 900 },
      ],
    ),
    call,
  );
  assert.ok(made.ok);
  assert.deepEqual(
    made.charges.map(({ kind, limit, amount }) => [kind, limit, amount]),
    [
      ["calls", 10, 1],
      ["rate", 3, 1],
      ["cost", 900, 250],
    ],
  );
  assert.equal(made.charges[0]?.account, "calls:hop-0");
  assert.match(made.charges[1]?.account ?? "", /^rate:hop-1~[\w-]{24}:29454480$/);
});

test("of two caveats on one account the smaller limit holds", () => {
  const made = chargesFor(
    capabilityWith([
      { type: "max_calls", limit: 4 },
      { type: "max_calls", limit: 9 },
    ]),
    call,
  );
  assert.ok(made.ok);
  assert.deepEqual(
    made.charges.map(({ limit }) => limit),
    [4],
  );
});

test("a cost caveat refuses a call of unknown cost and lets a free call pass", () => {
  const capability = capabilityWith([{ type: "max_cost", micros: 0 }]);
  const unknown = chargesFor(capability, { nowMs: NOON, costMicros: undefined });
  assert.equal(unknown.ok ? "" : unknown.reason.code, "budget.cost_unknown");
  assert.deepEqual(chargesFor(capability, { nowMs: NOON, costMicros: 0 }), { ok: true, charges: [] });
});

test("a hop that borrows another token's id does not spend that token's account", () => {
  const budget: Caveat[] = [{ type: "max_calls", limit: 5 }];
  const victim = capabilityWith([], budget);
  const thief = { ...victim, hops: [{ jti: "elsewhere", caveats: [] }, ...victim.hops.slice(1)] };
  const sameRoot = { ...victim, hops: [{ jti: "hop-1", caveats: budget }] };
  const accounts = [victim, thief, sameRoot].map((capability) => {
    const made = chargesFor(capability, call);
    assert.ok(made.ok);
    return made.charges[0]?.account;
  });
  assert.equal(new Set(accounts).size, 3);
});

test("a child is charged for all that its parent is charged for", () => {
  const caveat = fc.oneof(
    fc.record({ type: fc.constant("max_calls" as const), limit: fc.nat() }),
    fc.record({ type: fc.constant("rate" as const), per_minute: fc.nat() }),
    fc.record({ type: fc.constant("max_cost" as const), micros: fc.nat() }),
  );
  fc.assert(
    fc.property(fc.array(fc.array(caveat, { maxLength: 4 }), { minLength: 1, maxLength: 5 }), (hops) => {
      const child = chargesFor(capabilityWith(...hops), call);
      const parent = chargesFor(capabilityWith(...hops.slice(0, -1)), call);
      assert.ok(child.ok && parent.ok);
      for (const charge of parent.charges)
        assert.ok(child.charges.some((own) => JSON.stringify(own) === JSON.stringify(charge)));
      assert.equal(new Set(child.charges.map(({ account }) => account)).size, child.charges.length);
    }),
  );
});

test("a token that was charged before is charged what it would be charged if it were new", () => {
  const caveat = fc.oneof(
    fc.record({ type: fc.constant("max_calls" as const), limit: fc.nat(9) }),
    fc.record({ type: fc.constant("rate" as const), per_minute: fc.nat(9) }),
    fc.record({ type: fc.constant("max_cost" as const), micros: fc.nat(9) }),
    fc.constant<Caveat>({ type: "tool_allow", tools: [] }),
  );
  const hops = fc.array(fc.array(caveat, { maxLength: 4 }), { minLength: 1, maxLength: 4 });
  const calls = fc.array(
    fc.record({
      nowMs: fc.constantFrom(NOON, NOON + 1, NOON + 59_999, NOON + 60_000, NOON - 60_000),
      costMicros: fc.constantFrom(undefined, 0, 1, 250),
    }),
    { minLength: 2, maxLength: 8 },
  );
  fc.assert(
    fc.property(hops, calls, (caveats, made) => {
      const known = capabilityWith(...caveats);
      for (const each of made) {
        assert.deepEqual(chargesFor(known, each), chargesFor(structuredClone(known), each));
        const left = ({ account, limit }: { account: string; limit: number }) => limit - account.length;
        assert.deepEqual(
          remainingOf(known, each.nowMs, left),
          remainingOf(structuredClone(known), each.nowMs, left),
        );
      }
    }),
    { numRuns: 300 },
  );
});

test("a rate account is current around its own minute only", () => {
  const account = `rate:a:b:${minuteAt(NOON)}`;
  assert.equal(minuteOf(account), minuteAt(NOON));
  assert.equal(minuteOf("calls:rate:7"), undefined);
  for (const [offMs, current] of [
    [-120_000, false],
    [-60_000, true],
    [0, true],
    [60_000, true],
    [120_000, false],
  ] as const)
    assert.equal(isCurrent(account, NOON + offMs), current);
  assert.equal(isCurrent("calls:a", 0), true);
});

test("the name of an account tells its kind and its hop, and other text names none", () => {
  const capability = capabilityWith(
    [{ type: "max_calls", limit: 1 }],
    [
      { type: "rate", per_minute: 1 },
      { type: "max_cost", micros: 1 },
    ],
  );
  const made = chargesFor(capability, call);
  assert.ok(made.ok);
  assert.deepEqual(
    made.charges.map(({ account }) => ownerOfAccount(account)),
    [
      { kind: "calls", jti: "hop-0", isRoot: true },
      { kind: "rate", jti: "hop-1", isRoot: false },
      { kind: "cost", jti: "hop-1", isRoot: false },
    ],
  );
  assert.deepEqual(ownerOfAccount("rate:a:7:123"), { kind: "rate", jti: "a:7", isRoot: true });
  for (const text of [
    "",
    "calls",
    "calls:",
    "other:a",
    "calls:a~b",
    "calls:a b",
    "rate:a",
    "rate:a:",
    "rate:a:x",
    "calls:a\0",
  ])
    assert.equal(ownerOfAccount(text), undefined, text);
});

test("the limit of a hop is its smallest one of that kind", () => {
  const caveats: Caveat[] = [
    { type: "max_calls", limit: 9 },
    { type: "max_calls", limit: 4 },
    { type: "rate", per_minute: 0 },
  ];
  assert.deepEqual(
    [limitIn(caveats, "calls"), limitIn(caveats, "rate"), limitIn(caveats, "cost")],
    [4, 0, undefined],
  );
});
