import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { type TestContext, test } from "node:test";
import type { JsonObject, PolicyInput } from "@postern/contracts";
import { defer, fixedClock } from "@postern/testkit";
import {
  createPolicyEngine,
  type PolicyEngineOptions,
  type PolicyTrouble,
  type PolicyVerdict,
} from "./engine.ts";
import { opaFor } from "./opa.fixture.ts";
import type { OpenedBundle } from "./open-bundle.ts";
import { createBundlePress, inputOf, OPENED_AT_MS, policyText } from "./policy.fixture.ts";

/** Patient enough for a machine that is busy elsewhere. */
const PATIENT = { deadlineMs: 10_000, loadDeadlineMs: 30_000, waitingMs: 30_000 };

const ALLOW = policyText(`decision := {"allow": true}`);

/** Text search takes the product of both lengths: minutes, with the arguments below. */
const SEARCH = policyText(
  `default decision := {"allow": false}`,
  `decision := {"allow": true} if not contains(input.args.text, input.args.pattern)`,
);
const SEARCHED = { text: "a".repeat(800_000), pattern: `${"a".repeat(400_000)}b` };
const RUNAWAY = inputOf({ tool: "search", args: SEARCHED });
/** Some 400 ms. */
const SLOW = inputOf({
  tool: "search",
  args: { text: "a".repeat(48_000), pattern: `${"a".repeat(24_000)}b` },
});
const QUICK = inputOf({ tool: "quick", args: { text: "a", pattern: "b" } });

async function laboratory(t: TestContext, options: PolicyEngineOptions = {}) {
  const opaPath = opaFor(t);
  if (opaPath === undefined) return undefined;
  const troubles: PolicyTrouble[] = [];
  const clock = fixedClock(OPENED_AT_MS);
  const onTrouble = (trouble: PolicyTrouble) => troubles.push(trouble);
  const engine = createPolicyEngine({ ...PATIENT, clock, onTrouble, ...options });
  defer(t, () => engine.close());
  return { engine, troubles, clock, press: await createBundlePress(opaPath) };
}

const codeOf = (verdict: PolicyVerdict) => (verdict.ok ? "decision" : verdict.reason.code);

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
  assert.deepEqual(await engine.evaluate("acme", inputOf({ tool: "a" })), {
    ok: true,
    decision: { allow: true, rule: "a" },
    pointer: mine.pointer,
  });
  const refused = await engine.evaluate("acme", inputOf({ tool: "b" }));
  assert.deepEqual(refused, { ok: true, decision: { allow: false }, pointer: mine.pointer });
  const other = await engine.evaluate("other", inputOf({ tool: "a" }));
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
  const none = await engine.evaluate("acme", inputOf());
  assert.deepEqual([codeOf(none), none.pointer], ["policy.none", undefined]);
  const bundle = await press.open(ALLOW);
  await engine.load(bundle);
  assert.equal(codeOf(await engine.evaluate("acme", inputOf())), "decision");
  clock.advance(Date.parse(bundle.pointer.expires_at) - clock.nowMs());
  const stale = await engine.evaluate("acme", inputOf());
  assert.deepEqual([codeOf(stale), stale.pointer], ["policy.stale", bundle.pointer]);
  engine.clear("acme");
  assert.equal(codeOf(await engine.evaluate("acme", inputOf())), "policy.none");
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
    assert.equal(codeOf(await engine.evaluate("acme", inputOf({ tool }))), code, tool);
    assert.equal(
      codeOf(await engine.evaluate("acme", inputOf({ tool: "good" }))),
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
  const verdict = await lab.engine.evaluate("acme", inputOf());
  assert.deepEqual(verdict.ok && verdict.decision, { allow: true, escalate: true });
});

test("an input that is too large, or that a policy would read otherwise than the tool, is denied", async (t) => {
  const lab = await laboratory(t, { inputBytesMax: 4_000 });
  if (lab === undefined) return;
  const { engine, press } = lab;
  await engine.load(await press.open(ALLOW));
  const codeFor = async (text: string) => codeOf(await engine.evaluate("acme", inputOf({ args: { text } })));
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
  await engine.load(await press.open(ALLOW));
  const args = JSON.parse(`${`{"a":`.repeat(50_000)}1${"}".repeat(50_000)}`) as PolicyInput["args"];
  assert.equal(codeOf(await engine.evaluate("acme", inputOf({ args }))), "policy.failed");
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
    const lab = await laboratory(t, { slowMs: 50 });
    if (lab === undefined) return;
    const { engine, press } = lab;
    await engine.load(await press.open(SEARCH));
    await engine.load(await press.open(SEARCH, { tenant: "other" }));
    for (const agent_id of agents) {
      assert.equal(codeOf(await engine.evaluate("acme", { ...SLOW, agent_id })), "decision");
    }
    const overruns: string[] = [];
    const flood = agents.flatMap((agent_id) =>
      tools.map(async (tool) => {
        overruns.push(codeOf(await engine.evaluate("acme", { ...RUNAWAY, agent_id, tool })));
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
  const lab = await laboratory(t, { deadlineMs: 200 });
  if (lab === undefined) return;
  const { engine, press } = lab;
  await engine.load(await press.open(SEARCH));
  const overruns = new Map<string, number>();
  const flood = [..."abcabcabc"].map(async (agent_id, tool) => {
    await engine.evaluate("acme", { ...RUNAWAY, agent_id, tool: `tool-${tool}` });
    overruns.set(agent_id, (overruns.get(agent_id) ?? 0) + 1);
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
  const bundle = { manifest: { tenant: "acme" }, pointer, module: {}, dataJson: "{}", sources: {} };
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
    assert.equal(codeOf(await engine.evaluate("acme", inputOf())), "decision", name);
  }
});

test("a policy that leaves a harmless call undecided is put in force: it denies", async (t) => {
  const lab = await laboratory(t);
  if (lab === undefined) return;
  await lab.engine.load(await lab.press.open(policyText(`decision := {"allow": true} if input.tool == "a"`)));
  assert.equal(codeOf(await lab.engine.evaluate("acme", inputOf())), "policy.undefined");
});

test("a promotion under load leaves no call without a policy, and afterwards only the new one judges", async (t) => {
  const lab = await laboratory(t);
  if (lab === undefined) return;
  const { engine, press } = lab;
  const policyNamed = (rule: string) =>
    press.open(policyText(`decision := {"allow": true, "rule": "${rule}"}`));
  const [old, next] = [await policyNamed("old"), await policyNamed("new")];
  await engine.load(old);
  const verdicts: PolicyVerdict[] = [];
  let promoted = false;
  const callers = Array.from({ length: 8 }, async (_, agent) => {
    while (!promoted) verdicts.push(await engine.evaluate("acme", inputOf({ agent_id: `agent-${agent}` })));
  });
  await engine.load(next);
  const after = await Promise.all([1, 2, 3].map(() => engine.evaluate("acme", inputOf())));
  promoted = true;
  await Promise.all(callers);
  for (const verdict of verdicts) {
    assert.ok(verdict.ok);
    const expected = verdict.decision.rule === "old" ? old.pointer : next.pointer;
    assert.deepEqual(verdict.pointer, expected, "a verdict names the policy that gave it");
  }
  assert.ok(after.every((verdict) => verdict.ok && verdict.decision.rule === "new"));
});

test("a policy that is cleared while it loads does not come into force", async (t) => {
  const lab = await laboratory(t);
  if (lab === undefined) return;
  const { engine, press } = lab;
  const loaded = engine.load(await press.open(ALLOW));
  engine.clear("acme");
  await assert.rejects(loaded, { kind: "conflict", code: "policy.superseded" });
  assert.equal(codeOf(await engine.evaluate("acme", inputOf())), "policy.none");
  await engine.load(await press.open(ALLOW));
  assert.equal(codeOf(await engine.evaluate("acme", inputOf())), "decision");
});

test("a closed engine denies", async (t) => {
  const lab = await laboratory(t);
  if (lab === undefined) return;
  const { engine, press } = lab;
  await engine.load(await press.open(ALLOW));
  await engine.close();
  assert.equal(codeOf(await engine.evaluate("acme", inputOf())), "policy.failed");
});

test("idle threads do not keep a process alive", () => {
  const url = new URL("./engine.ts", import.meta.url);
  const script = `import { createPolicyEngine } from "${url}"; createPolicyEngine(); console.log("made");`;
  const printed = execFileSync(process.execPath, ["--input-type=module", "-e", script], { timeout: 30_000 });
  assert.equal(printed.toString(), "made\n");
});
