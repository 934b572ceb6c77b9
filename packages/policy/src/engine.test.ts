import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { JsonObject } from "@postern/contracts";
import { fixedClock } from "@postern/testkit";
import { codeOf, laboratory } from "./engine.fixture.ts";
import { createPolicyEngine, type PolicyVerdict } from "./engine.ts";
import type { OpenedBundle } from "./open-bundle.ts";
import { holderOf, OPENED_AT_MS, policyText, questionOf } from "./policy.fixture.ts";

const ALLOW = policyText(`decision := {"allow": true}`);
/** Reads all the arguments there are. */
const READ_ARGS = policyText(`decision := {"allow": is_object(input.args)}`);

/** Text search takes the product of both lengths: minutes, with the arguments below. */
const SEARCH = policyText(
  `default decision := {"allow": false}`,
  `decision := {"allow": true} if not contains(input.args.text, input.args.pattern)`,
);
const SEARCHED = { text: "a".repeat(800_000), pattern: `${"a".repeat(400_000)}b` };
const RUNAWAY = questionOf({ tool: "search", args: SEARCHED });
/** Some 400 ms. */
const SLOW = questionOf({
  tool: "search",
  args: { text: "a".repeat(48_000), pattern: `${"a".repeat(24_000)}b` },
});
const QUICK = questionOf({ tool: "quick", args: { text: "a", pattern: "b" } });

test("a call is judged by its tenant's policy, and the verdict names the policy", async (t) => {
  const lab = await laboratory(t);
  if (lab === undefined) return;
  const { engine, press } = lab;
  const rules = [
    `default decision := {"allow": false}`,
    `decision := {"allow": true, "rule": "a"} if input.tool == "a"`,
  ];
  const mine = await press.open(policyText(...rules));
  const theirs = await press.open(policyText(`decision := {"allow": false, "reason": "closed"}`), {
    tenant: "other",
  });
  await engine.load(mine);
  await engine.load(theirs);
  assert.deepEqual(await engine.evaluate("acme", questionOf({ tool: "a" })), {
    ok: true,
    decision: { allow: true, rule: "a" },
    pointer: mine.pointer,
  });
  const refused = await engine.evaluate("acme", questionOf({ tool: "b" }));
  assert.deepEqual(refused, { ok: true, decision: { allow: false }, pointer: mine.pointer });
  const other = await engine.evaluate("other", questionOf({ tool: "a" }));
  assert.deepEqual(other, {
    ok: true,
    decision: { allow: false, reason: "closed" },
    pointer: theirs.pointer,
  });
  assert.deepEqual([engine.active("acme"), engine.active("nobody")], [mine.pointer, undefined]);
});

test("without a policy, with a cleared one and with an expired one every call is denied", async (t) => {
  const lab = await laboratory(t);
  if (lab === undefined) return;
  const { engine, press, clock } = lab;
  const none = await engine.evaluate("acme", questionOf());
  assert.deepEqual([codeOf(none), none.pointer], ["policy.none", undefined]);
  const bundle = await press.open(ALLOW);
  await engine.load(bundle);
  assert.equal(codeOf(await engine.evaluate("acme", questionOf())), "decision");
  clock.advance(Date.parse(bundle.pointer.expires_at) - clock.nowMs());
  const stale = await engine.evaluate("acme", questionOf());
  assert.deepEqual([codeOf(stale), stale.pointer], ["policy.stale", bundle.pointer]);
  engine.clear("acme");
  assert.equal(codeOf(await engine.evaluate("acme", questionOf())), "policy.none");
  assert.equal(engine.active("acme"), undefined);
});

test("whatever is not one whole decision is a denial with its reason, and the next call is judged as ever", async (t) => {
  const lab = await laboratory(t);
  if (lab === undefined) return;
  const { engine, press, troubles } = lab;
  await engine.load(
    await press.open(
      policyText(
        `decision := {"allow": true} if input.tool in {"good", "both", "escalated"}`,
        `decision := {"allow": false} if input.tool == "both"`,
        `decision := {"allow": "yes"} if input.tool == "text"`,
        `decision := true if input.tool == "bare"`,
        `decision := {"allow": true, "alow": true} if input.tool == "extra"`,
        `decision := {"allow": true, "reason": sprintf("%d", ["x"])} if input.tool == "badly printed"`,
        `decision := {"allow": count([[a, b] | some a in numbers.range(1, 9999); some b in numbers.range(1, 9999)]) > 0} if input.tool == "hungry"`,
      ),
    ),
  );
  const cases = {
    good: "decision",
    nothing: "policy.undefined",
    text: "policy.malformed",
    bare: "policy.malformed",
    extra: "policy.malformed",
    both: "policy.failed",
    "badly printed": "policy.failed",
    hungry: "policy.failed",
  };
  for (const [tool, code] of Object.entries(cases)) {
    assert.equal(codeOf(await engine.evaluate("acme", questionOf({ tool }))), code, tool);
    assert.equal(
      codeOf(await engine.evaluate("acme", questionOf({ tool: "good" }))),
      "decision",
      `after ${tool}`,
    );
  }
  const details = Object.fromEntries(troubles.map(({ code, detail }) => [code, detail]));
  assert.equal(details["policy.failed"], "opa_malloc: failed");
  assert.match(details["policy.malformed"] ?? "", /alow/);
});

test("escalation may stand beside allow: both reach the judge", async (t) => {
  const lab = await laboratory(t);
  if (lab === undefined) return;
  await lab.engine.load(await lab.press.open(policyText(`decision := {"allow": true, "escalate": true}`)));
  const verdict = await lab.engine.evaluate("acme", questionOf());
  assert.deepEqual(verdict.ok && verdict.decision, { allow: true, escalate: true });
});

test("an input that is too large, or that a policy would read otherwise than the tool, is denied", async (t) => {
  const lab = await laboratory(t, { inputBytesMax: 4_000 });
  if (lab === undefined) return;
  const { engine, press } = lab;
  await engine.load(await press.open(READ_ARGS));
  const codeFor = async (text: string) =>
    codeOf(await engine.evaluate("acme", questionOf({ args: { text } })));
  assert.equal(await codeFor("x".repeat(3_000)), "decision");
  assert.equal(await codeFor("x".repeat(4_000)), "policy.too_large");
  assert.equal(await codeFor("é".repeat(2_000)), "policy.too_large", "bytes count, not characters");
  const wellFormed = ["😀", "\\ud800", "\\\\udfff", "\\udead beef", "\ufffd"];
  for (const text of wellFormed) assert.equal(await codeFor(text), "decision", JSON.stringify(text));
  const halves = [
    "\ud800",
    "\udfff",
    "a\udc00b",
    "\\\ud800",
    "\\\\\udbff",
    "\ud83d\ud83d\ude00",
    "\ud800\ud800",
    "\udc00\ud83d",
  ];
  for (const text of halves) assert.equal(await codeFor(text), "policy.failed", JSON.stringify(text));
});

test("an input that cannot even be printed is denied", async (t) => {
  const lab = await laboratory(t);
  if (lab === undefined) return;
  const { engine, press } = lab;
  await engine.load(await press.open(READ_ARGS));
  const args = JSON.parse(`${`{"a":`.repeat(50_000)}1${"}".repeat(50_000)}`) as JsonObject;
  assert.equal(codeOf(await engine.evaluate("acme", questionOf({ args }))), "policy.failed");
});

test("a runaway evaluation is denied at its deadline, again and again", async (t) => {
  const lab = await laboratory(t, { deadlineMs: 50 });
  if (lab === undefined) return;
  const { engine, press } = lab;
  await engine.load(await press.open(SEARCH));
  for (let round = 0; round < 3; round += 1) {
    assert.equal(codeOf(await engine.evaluate("acme", RUNAWAY)), "policy.timeout");
  }
});

test("agents known to be slow stall nobody, whatever tools they call, and however many", async (t) => {
  const crowds: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    ["one agent, sixteen tools", ["a"], [..."abcdefghijklmnop"]],
    ["four agents, three tools", [..."abcd"], [..."abc"]],
  ];
  for (const [name, agents, tools] of crowds) {
    // Well above a first evaluation, which may have to compile the module's functions, and well below SLOW.
    const lab = await laboratory(t, { slowMs: 50, inlineFuel: 0 });
    if (lab === undefined) return;
    const { engine, press } = lab;
    await engine.load(await press.open(SEARCH));
    await engine.load(await press.open(SEARCH, { tenant: "other" }));
    for (const agent of agents) {
      assert.equal(
        codeOf(await engine.evaluate("acme", { ...SLOW, capability: holderOf(agent) })),
        "decision",
      );
    }
    const overruns: string[] = [];
    const flood = agents.flatMap((agent) =>
      tools.map(async (tool) => {
        overruns.push(
          codeOf(await engine.evaluate("acme", { ...RUNAWAY, capability: holderOf(agent), tool })),
        );
      }),
    );
    for (let call = 0; call < 30; call += 1) {
      assert.equal(codeOf(await engine.evaluate("acme", QUICK)), "decision", name);
      assert.equal(codeOf(await engine.evaluate("other", QUICK)), "decision", name);
    }
    // A queue that all share would have let the whole flood go first. On a slow machine some of it ends meanwhile.
    assert.ok(
      overruns.length <= flood.length / 2,
      `${name}: quick calls waited for ${overruns.length} overruns`,
    );
    await engine.close();
    await Promise.all(flood);
  }
});

test("a newcomer waits for one overrun of each other newcomer at most", async (t) => {
  const lab = await laboratory(t, { deadlineMs: 200, inlineFuel: 0 });
  if (lab === undefined) return;
  const { engine, press } = lab;
  await engine.load(await press.open(SEARCH));
  const overruns = new Map<string, number>();
  const flood = [..."abcabcabc"].map(async (agent, tool) => {
    await engine.evaluate("acme", { ...RUNAWAY, capability: holderOf(agent), tool: `tool-${tool}` });
    overruns.set(agent, (overruns.get(agent) ?? 0) + 1);
  });
  assert.equal(codeOf(await engine.evaluate("acme", QUICK)), "decision");
  assert.ok([...overruns.values()].every((count) => count === 1));
  await engine.close();
  await Promise.all(flood);
});

test("what does not come into force is freed on every thread, and what is in force stays", async () => {
  const slots: Set<number>[] = [];
  let decision: unknown = { allow: true };
  const engine = createPolicyEngine({
    workers: 3,
    clock: fixedClock(OPENED_AT_MS),
    newThread() {
      const loaded = new Set<number>();
      slots.push(loaded);
      const trial = () => ({ kind: "result", text: JSON.stringify([{ result: decision }]) }) as const;
      return {
        async ask(request) {
          loaded.add(request.slot);
          return { kind: "loaded", trials: [trial()], spentMs: 1 };
        },
        drop: (slot) => void loaded.delete(slot),
        async close() {},
      };
    },
  });
  const pointer = {
    revision: 1,
    digest: "0".repeat(64),
    kid: "k4.pid.test",
    expires_at: "2036-01-02T00:00:00.000Z",
  };
  const bundle = {
    manifest: { tenant: "acme", input_paths: ["*"] },
    pointer,
    module: {},
    dataJson: "{}",
    sources: {},
  };
  const load = () => engine.load(bundle as unknown as OpenedBundle);
  const loaded = () => slots.map((thread) => [...thread]);
  await load();
  assert.deepEqual(loaded(), [[1], [1], [1]]);
  decision = "nonsense";
  await assert.rejects(load(), { code: "policy.unusable" });
  assert.deepEqual(loaded(), [[1], [1], [1]]);
  decision = { allow: false };
  const superseded = load();
  engine.clear("acme");
  await assert.rejects(superseded, { code: "policy.superseded" });
  assert.deepEqual(loaded(), [[], [], []]);
  await load();
  assert.deepEqual(loaded(), [[4], [4], [4]]);
  await engine.close();
});

test("calls that wait longer than they may are denied", async (t) => {
  const lab = await laboratory(t, { deadlineMs: 1_000, waitingMs: 20 });
  if (lab === undefined) return;
  const { engine, press, troubles } = lab;
  await engine.load(await press.open(SEARCH));
  const codes = await Promise.all([1, 2, 3].map(async () => codeOf(await engine.evaluate("acme", RUNAWAY))));
  assert.deepEqual(codes, ["policy.timeout", "policy.timeout", "policy.timeout"]);
  assert.equal(troubles.filter(({ detail }) => detail === "no thread was free in time").length, 2);
});

test("a policy that fails on harmless calls is not put in force, and the old one keeps judging", async (t) => {
  const lab = await laboratory(t, { loadDeadlineMs: 1_000 });
  if (lab === undefined) return;
  const { engine, press } = lab;
  const good = await press.open(ALLOW);
  await engine.load(good);
  const bad: readonly [string, string, JsonObject, RegExp][] = [
    [
      "contradictory",
      policyText(`decision := {"allow": true} if input.tool`, `decision := {"allow": false} if input.action`),
      {},
      /conflict/,
    ],
    ["malformed", policyText("decision := input.tool"), {}, /^decision: /],
    ["endless", policyText(`decision := {"allow": contains(data.text, data.pattern)}`), SEARCHED, /in time/],
  ];
  for (const [name, source, data, detail] of bad) {
    const loaded = engine.load(await press.open(source, { data }));
    await assert.rejects(loaded, { kind: "invalid", code: "policy.unusable", detail }, name);
    assert.deepEqual(engine.active("acme"), good.pointer, name);
    assert.equal(codeOf(await engine.evaluate("acme", questionOf())), "decision", name);
  }
});

test("a policy that leaves a harmless call undecided is put in force: it denies", async (t) => {
  const lab = await laboratory(t);
  if (lab === undefined) return;
  await lab.engine.load(await lab.press.open(policyText(`decision := {"allow": true} if input.tool == "a"`)));
  assert.equal(codeOf(await lab.engine.evaluate("acme", questionOf())), "policy.undefined");
});

for (const [where, inlineFuel] of [
  ["on threads", 0],
  ["at once", 1_000_000],
] as const) {
  test(`a promotion under load leaves no call without a policy: calls judged ${where}`, async (t) => {
    const lab = await laboratory(t, { inlineFuel });
    if (lab === undefined) return;
    const { engine, press } = lab;
    const old = await press.open(policyText(`decision := {"allow": true, "rule": "old"}`));
    // What it reads was left out for the old policy.
    const next = await press.open(
      policyText(`decision := {"allow": input.tool == "read_file", "rule": "new"}`),
    );
    await engine.load(old);
    const verdicts: PolicyVerdict[] = [];
    let promoted = false;
    const callers = Array.from({ length: 8 }, async (_, agent) => {
      for (; !promoted; await turn()) {
        verdicts.push(await engine.evaluate("acme", questionOf({ agent: `agent-${agent}` })));
      }
    });
    await engine.load(next);
    const after = await Promise.all([1, 2, 3].map(() => engine.evaluate("acme", questionOf())));
    promoted = true;
    await Promise.all(callers);
    for (const verdict of verdicts) {
      assert.ok(verdict.ok && verdict.decision.allow);
      const expected = verdict.decision.rule === "old" ? old.pointer : next.pointer;
      assert.deepEqual(verdict.pointer, expected, "a verdict names the policy that gave it");
    }
    assert.ok(after.every((verdict) => verdict.ok && verdict.decision.rule === "new"));
  });
}

test("a policy that is cleared while it loads does not come into force", async (t) => {
  const lab = await laboratory(t);
  if (lab === undefined) return;
  const { engine, press } = lab;
  const loaded = engine.load(await press.open(ALLOW));
  engine.clear("acme");
  await assert.rejects(loaded, { kind: "conflict", code: "policy.superseded" });
  assert.equal(codeOf(await engine.evaluate("acme", questionOf())), "policy.none");
  await engine.load(await press.open(ALLOW));
  assert.equal(codeOf(await engine.evaluate("acme", questionOf())), "decision");
});

test("a closed engine denies", async (t) => {
  const lab = await laboratory(t);
  if (lab === undefined) return;
  const { engine, press } = lab;
  await engine.load(await press.open(ALLOW));
  await engine.close();
  assert.equal(codeOf(await engine.evaluate("acme", questionOf())), "policy.failed");
});

test("idle threads do not keep a process alive", () => {
  const url = new URL("./evaluation-thread.ts", import.meta.url);
  const script = `import { openThread } from "${url}"; openThread({ memoryPagesMax: 8 }); console.log("made");`;
  const printed = execFileSync(process.execPath, ["--input-type=module", "-e", script], { timeout: 30_000 });
  assert.equal(printed.toString(), "made\n");
});

/** Counts the threads that an engine opens. */
