// The table of kill switches: each scope by itself, ends by time, and what it costs when there is nothing to find.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Capability, Halt } from "@postern/contracts";
import { fixedClock } from "@postern/testkit";
import fc from "fast-check";
import { capabilityOf } from "../pipeline.fixture.ts";
import { createHaltTable } from "./halt-table.ts";

const halt = (scope: Halt["scope"], value = "", more: Partial<Halt> = {}): Halt => ({
  ...{ id: `h-${scope}-${value}`, scope, value, reason: "a leak" },
  ...more,
});

function tableOf(...halts: readonly Halt[]) {
  const clock = fixedClock();
  const table = createHaltTable({ clock });
  table.take({ halts });
  return { clock, table };
}

const ALICE = capabilityOf();
const CHILD: Capability = capabilityOf({
  ...{ jti: "root-1.b", rootJti: "root-1", parentJti: "root-1.a" },
  hops: ["root-1", "root-1.a", "root-1.b"].map((jti) => ({ jti, caveats: [] })),
});

test("each scope stops what it names, and nothing else", () => {
  const cases: readonly [Halt, stopped: readonly unknown[], free: readonly unknown[]][] = [
    [halt("global"), [[], [ALICE], [ALICE, "pay"]], []],
    [halt("tenant"), [[], [ALICE], [ALICE, "pay"]], []],
    [halt("agent", "alice"), [[ALICE], [ALICE, "pay"]], [[], [capabilityOf({ agent: "Alice" })]]],
    [
      halt("tool", "pay"),
      [
        [ALICE, "pay"],
        [undefined, "pay"],
      ],
      [[], [ALICE], [ALICE, "Pay"], [ALICE, "pay_all"]],
    ],
    [
      halt("tool", "pay_*"),
      [
        [ALICE, "pay_all"],
        [ALICE, "pay_"],
      ],
      [[ALICE], [ALICE, "pay"], [ALICE, "repay_x"]],
    ],
    [
      halt("tool", "resources/*"),
      [[ALICE, "resources/read"]],
      [
        [ALICE, "resources"],
        [ALICE, "prompts/get"],
      ],
    ],
    [halt("token", "root-1"), [[capabilityOf({ jti: "root-1" })]], [[], [CHILD], [ALICE]]],
    [halt("token", "root-1.b"), [[CHILD]], [[ALICE]]],
    [halt("subtree", "root-1"), [[CHILD], [ALICE], [capabilityOf({ jti: "root-1" })]], [[]]],
    [halt("subtree", "root-1.a"), [[CHILD]], [[ALICE]]],
    [halt("subtree", "root-1.b"), [[CHILD]], [[ALICE]]],
    [halt("subtree", "old"), [[capabilityOf({ mintedFromJti: "old" })]], [[ALICE], [CHILD]]],
  ];
  for (const [on, stopped, free] of cases) {
    const { table } = tableOf(on);
    const ask = (asked: unknown) => table.refusalOf(...(asked as [Capability?, string?]));
    for (const asked of stopped)
      assert.equal(ask(asked)?.code, "capability.halted", JSON.stringify([on, asked]));
    for (const asked of free) assert.equal(ask(asked), undefined, JSON.stringify([on, asked]));
  }
});

test("whoever is stopped is told by what and why", () => {
  const { table } = tableOf(halt("agent", "alice"), halt("tool", "pay_*", { reason: "wrong amounts" }));
  assert.equal(table.refusalOf(ALICE)?.detail, "A kill switch is on for the agent alice: a leak");
  const bob = capabilityOf({ agent: "bob" });
  assert.equal(
    table.refusalOf(bob, "pay_x")?.detail,
    "A kill switch is on for the tool pay_*: wrong amounts",
  );
});

test("one that has a time ends with it, to the millisecond, and the others stay", () => {
  for (const scope of ["tenant", "agent", "tool", "token", "subtree"] as const) {
    const value = { tenant: "", agent: "alice", tool: "p*", token: "jti-1", subtree: "root-1" }[scope];
    const { clock, table } = tableOf();
    const expires_at = new Date(clock.nowMs() + 5_000).toISOString();
    table.take({ halts: [halt(scope, value, { expires_at }), halt("agent", "bob")] });
    clock.advance(4_999);
    assert.equal(table.refusalOf(ALICE, "pay")?.code, "capability.halted", scope);
    clock.advance(1);
    assert.equal(table.refusalOf(ALICE, "pay"), undefined, scope);
    assert.equal(table.refusalOf(capabilityOf({ agent: "bob" }))?.code, "capability.halted");
  }
});

test("of two for the same the one that lasts longer counts, in whatever order they come", () => {
  const { clock, table } = tableOf();
  const short = halt("agent", "alice", { expires_at: new Date(clock.nowMs() + 1_000).toISOString() });
  const long = halt("agent", "alice");
  for (const halts of [
    [short, long],
    [long, short],
  ]) {
    table.take({ halts });
    clock.advance(2_000);
    assert.equal(table.refusalOf(ALICE)?.code, "capability.halted");
  }
});

test("a list takes the place of the one before", () => {
  const { table } = tableOf(halt("agent", "alice"), halt("tool", "*"));
  table.take({ halts: [halt("agent", "bob")] });
  assert.equal(table.refusalOf(ALICE, "pay"), undefined);
  table.take({ halts: [] });
  assert.equal(table.refusalOf(capabilityOf({ agent: "bob" })), undefined);
});

test("while nothing is on, not even the clock is read", () => {
  const table = createHaltTable({ clock: { nowMs: () => assert.fail("the clock was read") } });
  assert.equal(table.refusalOf(ALICE, "pay"), undefined);
  table.take({ halts: [] });
  assert.equal(table.refusalOf(ALICE, "pay"), undefined);
});

test("no name is long or odd enough to slip past a glob", () => {
  const text = (maxLength: number) =>
    fc.string({ unit: fc.constantFrom("a", "b", "*", "?", "é", "😀"), maxLength });
  fc.assert(
    fc.property(text(100), text(600), (beginning, end) => {
      const { table } = tableOf(halt("tool", `${beginning}*`));
      assert.equal(table.refusalOf(ALICE, beginning + end)?.code, "capability.halted");
    }),
  );
  const glob = `${"*a".repeat(127)}*b`;
  const { table } = tableOf(halt("tool", glob));
  const startedMs = performance.now();
  assert.equal(table.refusalOf(ALICE, `${"a".repeat(1_000_000)}c`)?.code, "capability.halted");
  assert.equal(table.refusalOf(ALICE, `${"a".repeat(510)}c`), undefined);
  assert.ok(performance.now() - startedMs < 1_000);
});

test("what is named like a property of every object stops nobody else", () => {
  const { table } = tableOf(halt("agent", "__proto__"), halt("tool", "constructor"));
  assert.equal(table.refusalOf(ALICE, "toString"), undefined);
  assert.equal(table.refusalOf(capabilityOf({ agent: "__proto__" }))?.code, "capability.halted");
});
