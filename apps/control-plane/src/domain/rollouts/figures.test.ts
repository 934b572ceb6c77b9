import assert from "node:assert/strict";
import { test } from "node:test";
import { alarmIn, type Figures, NO_FIGURES } from "./figures.ts";

const STAGED = { mode: "staged", stopWhen: { denialsUpPercentPoints: 10, callsMin: 100 } } as const;
const SHADOW = { ...STAGED, mode: "shadow" } as const;
const figures = (changes: Partial<Figures>): Figures => ({ ...NO_FIGURES, ...changes });
const differing = (changes: Partial<Figures["differences"]>) => ({ ...NO_FIGURES.differences, ...changes });
const verdicts = (allowed: number, blocked: number, escalated = 0) => ({ allowed, blocked, escalated });

const CASES: readonly [string, Figures, boolean][] = [
  ["nothing is known", NO_FIGURES, false],
  ["too few calls", figures({ compared: 99, differences: differing({ allow_to_block: 99 }) }), false],
  [
    "just under the limit",
    figures({ compared: 1000, differences: differing({ allow_to_block: 99 }) }),
    false,
  ],
  ["at the limit", figures({ compared: 1000, differences: differing({ allow_to_block: 100 }) }), true],
  [
    "calls that wait for people are not allowed either",
    figures({ compared: 100, differences: differing({ allow_to_block: 5, allow_to_escalate: 5 }) }),
    true,
  ],
  [
    "what the candidate allows makes up for it",
    figures({ compared: 100, differences: differing({ allow_to_block: 15, block_to_allow: 6 }) }),
    false,
  ],
  [
    "a call that waits instead of being blocked counts for nothing",
    figures({ compared: 100, differences: differing({ escalate_to_block: 50, block_to_escalate: 50 }) }),
    false,
  ],
  [
    "two groups of sidecars, when too few calls were compared",
    figures({ compared: 3, active: verdicts(90, 10), candidate: verdicts(80, 15, 5) }),
    true,
  ],
  [
    "one of two groups with too few calls",
    figures({ active: verdicts(99, 0), candidate: verdicts(0, 5000) }),
    false,
  ],
  ["a candidate that cannot be used", figures({ loadFailures: 1, problem: "it is damaged" }), true],
];

test("a staged candidate is taken back at the limit, and not before enough is known", () => {
  for (const [name, found, isAlarming] of CASES)
    assert.equal(alarmIn(found, STAGED) !== undefined, isAlarming, name);
});

test("a shadow ends only when it cannot be used: it does no harm", () => {
  for (const [name, found] of CASES)
    assert.equal(alarmIn(found, SHADOW) !== undefined, found.loadFailures > 0, name);
});

test("the reason says what was found", () => {
  const found = figures({ compared: 300, differences: differing({ allow_to_block: 100 }) });
  assert.match(alarmIn(found, STAGED) ?? "", /Of 300 calls .* 33\.3 percentage points fewer .*limit 10/);
  assert.match(alarmIn(figures({ loadFailures: 1, problem: "damaged" }), STAGED) ?? "", /damaged/);
});
