// Dry runs over a real log with the real compiler, on both engines: what a candidate would do, and what nobody can tell.
import assert from "node:assert/strict";
import { test } from "node:test";
import { readDefaultPolicy } from "@postern/policy/default-policy";
import type { z } from "zod";
import { ACME, BETA, ENGINES, SUPERADMIN, testPlane } from "../../control-plane.fixture.ts";
import { createPolicyCompiler } from "../../domain/policies/compiler.ts";
import { ALLOW_ALL, DENY_ALL, HEAD, LEDGER, trialPlane } from "../../domain/trials/trials.fixture.ts";
import type { DryRunView } from "./dry-run-views.ts";

type Row = z.infer<typeof DryRunView>["decisions"][number];
const eventsOf = (answer: { json: { decisions: Row[] } }) => answer.json.decisions.map((row) => row.event_id);
const findingsOf = (answer: { json: Pick<z.infer<typeof DryRunView>, "safety"> }) =>
  answer.json.safety.map(({ finding, severity }) => `${finding}:${severity}`);

for (const engine of ENGINES) {
  test(`${engine}: POST /v1/admin/policies/dry-run answers as the document says`, async (t) => {
    const plane = await trialPlane(t, engine);
    if (plane === undefined) return;
    await plane.request("POST", "/v1/admin/tenants", { body: { name: "acme-corp" } });
    const body = { rego_source: LEDGER, tenant: "acme-corp", input: { tool: "read_invoice" } };
    const answer = await plane.dryRun(body, SUPERADMIN);
    assert.equal(answer.status, 200, answer.text);
    const [decision] = answer.json.decisions;
    assert.deepEqual(Object.keys(decision).slice(0, 4), [
      "input",
      "candidate_decision",
      "actual_decision",
      "rule",
    ]);
    const { input, candidate_decision, actual_decision, rule } = decision;
    assert.equal(input.tool, "read_invoice");
    // Nothing is in force, so everything is denied.
    assert.deepEqual([candidate_decision, actual_decision, rule], ["allow", "block", "read"]);
    assert.match(decision.active_reason, /no active policy/);
    const neither = await plane.dryRun({ rego_source: LEDGER });
    assert.deepEqual(
      [neither.status, neither.json.error],
      [400, "body.sample: either input or sample is required"],
    );
    assert.equal((await plane.dryRun(body, "wrong")).status, 401);
  });

  test(`${engine}: calls of the past are judged by the candidate beside what happened and what is in force`, async (t) => {
    const plane = await trialPlane(t, engine);
    if (plane === undefined) return;
    await plane.promote(LEDGER);
    await plane.tell([
      { tool: "read_invoice" },
      { tool: "transfer_funds", args: { amount: 50 } },
      {
        tool: "transfer_funds",
        args: { amount: 500 },
        decision: "block",
        check: "policy",
        reason: "Too much.",
      },
      { tool: "delete_all", decision: "block", check: "policy" },
    ]);
    const tighter = LEDGER.replace("<= 100", "<= 10").replace(
      'decision := {"allow": true, "rule": "read"}',
      'decision := {"allow": false, "escalate": true, "rule": "ask", "reason": "Ask."}',
    );
    const { status, json, text } = await plane.dryRun({ rego_source: tighter, sample: "last:500" });
    assert.equal(status, 200, text);
    const shown = json.decisions.map((row: Row) => [
      ...[
        row.event_id,
        row.actual_decision,
        row.active_decision,
        row.candidate_decision,
        row.rule,
        row.changed,
      ],
    ]);
    assert.deepEqual(shown, [
      ["call-2", "allow", "allow", "block", "default_deny", true],
      ["call-1", "allow", "allow", "escalate", "ask", true],
      ["call-4", "block", "block", "block", "default_deny", false],
      ["call-3", "block", "block", "block", "default_deny", false],
    ]);
    assert.equal(json.decisions[3].actual_reason, "Too much.");
    assert.equal(json.decisions[1].candidate_reason, "Ask.");
    const { evaluated, changed, unchanged, uncertain, failed, allow_to_block, allow_to_escalate } =
      json.summary;
    assert.deepEqual(
      { evaluated, changed, unchanged, uncertain, failed, allow_to_block, allow_to_escalate },
      {
        evaluated: 4,
        changed: 2,
        unchanged: 2,
        uncertain: 0,
        failed: 0,
        allow_to_block: 1,
        allow_to_escalate: 1,
      },
    );
    assert.deepEqual(json.summary.from_active.allow_to_block, 1);
    assert.deepEqual(json.summary.tools, [
      { name: "transfer_funds", changed: 1, evaluated: 2 },
      { name: "read_invoice", changed: 1, evaluated: 1 },
    ]);
    assert.deepEqual(json.summary.agents, [{ name: "agent-7", changed: 2, evaluated: 4 }]);
    assert.deepEqual(findingsOf({ json }), ["mass_block:warning", "escalation_surge:warning"]);
    assert.equal(json.partial, false);
    // Nothing has changed but the log.
    const active = await plane.request("GET", "/v1/admin/policies/active", { token: ACME });
    assert.equal(active.json.revision, 1);
    const told = await plane.request("GET", "/v1/admin/audit?tool=admin/dry_run", { token: ACME });
    const [{ actor, arg_values }] = told.json.items;
    assert.deepEqual(
      [actor, arg_values.sample, arg_values.evaluated, arg_values.changed, arg_values.rego_sha256],
      ["tenant-admin:acme", "last:500", 4, 2, json.rego_sha256],
    );
  });

  test(`${engine}: every form of a sample finds its calls, and the shipped product's fields do the same`, async (t) => {
    const plane = await trialPlane(t, engine);
    if (plane === undefined) return;
    const hours = (count: number) => new Date(plane.clock.nowMs() - count * 3_600_000).toISOString();
    await plane.tell([
      { ts: hours(200), tool: "a" },
      { ts: hours(30), tool: "b", agent_id: "agent-8" },
      { ts: hours(2), tool: "b" },
      { ts: hours(0.5), tool: "a, b" },
    ]);
    const forms: [object, string[]][] = [
      [{ sample: "last:2" }, ["call-4", "call-3"]],
      [{ sample: "24h" }, ["call-4", "call-3"]],
      [{ sample: "90m" }, ["call-4"]],
      [{ sample: "7d" }, ["call-4", "call-3", "call-2"]],
      [{ sample: "tool:b" }, ["call-3", "call-2"]],
      [{ sample: "agent:agent-8" }, ["call-2"]],
      [{ sample: "tool:b, last:1" }, ["call-3"]],
      [{ sample: "tool:b,agent:agent-7,24h" }, ["call-3"]],
      [{ sample: "call-1" }, ["call-1"]],
      [{ limit: 1 }, ["call-4"]],
      [{ tool: "a, b" }, ["call-4"]],
      [{ agent_id: "agent-8" }, ["call-2"]],
      [{ from: hours(31), to: hours(1) }, ["call-3", "call-2"]],
      [{ sample: "last:500", tool: "b", to: hours(3) }, ["call-2"]],
      [{ from: "0000-01-01T00:00:00Z", limit: 1 }, ["call-4"]],
    ];
    for (const [about, found] of forms) {
      const answer = await plane.dryRun({ rego: DENY_ALL, ...about });
      assert.deepEqual(eventsOf(answer), found, `${JSON.stringify(about)}: ${answer.text}`);
    }
    const few = await plane.dryRun({ rego_source: DENY_ALL, sample: "last:500", max_samples: 1 });
    assert.deepEqual([eventsOf(few), few.json.summary.evaluated], [["call-4"], 4]);
    const none = await plane.dryRun({ rego_source: DENY_ALL, sample: "last:500", max_samples: 0 });
    assert.deepEqual([eventsOf(none), none.json.summary.changed], [[], 4]);
  });

  test(`${engine}: a sample is of the tenant's own calls, and another tenant's event is not there`, async (t) => {
    const plane = await trialPlane(t, engine);
    if (plane === undefined) return;
    await plane.tell([{ tool: "acme_secret" }]);
    const own = await plane.dryRun({ rego_source: ALLOW_ALL, sample: "last:10" }, BETA);
    assert.deepEqual([own.status, own.json.decisions], [200, []]);
    assert.deepEqual(findingsOf(own).includes("not_tested:warning"), true);
    for (const id of ["call-1", "call-nothing"]) {
      const foreign = await plane.dryRun({ rego_source: ALLOW_ALL, sample: id }, BETA);
      assert.deepEqual(
        [foreign.status, foreign.text],
        [404, '{"error":"There is no such event.","code":"trials.unknown_event"}'],
      );
    }
    const named = await plane.dryRun({ rego_source: ALLOW_ALL, tenant: "acme", sample: "last:10" }, BETA);
    assert.equal(named.status, 404);
    const pretended = await plane.dryRun(
      { rego_source: ALLOW_ALL, input: { capability: { tenant: "acme" } } },
      BETA,
    );
    assert.deepEqual(
      [pretended.status, pretended.json.error],
      [400, 'body.input.capability.tenant: must agree with the rest of the input: "beta"'],
    );
    assert.deepEqual(
      (await plane.dryRun({ rego_source: ALLOW_ALL, sample: "last:10" }, SUPERADMIN)).json.decisions,
      [],
    );
  });

  test(`${engine}: what an event does not hold is named where a policy reads it, and such a verdict is uncertain`, async (t) => {
    const plane = await trialPlane(t, engine);
    if (plane === undefined) return;
    await plane.promote(`${HEAD}decision := {"allow": input.args.vendor == "x"}\n`);
    await plane.tell([
      { tool: "transfer_funds", args: { amount: 50, vendor: "x" }, stored: "keys" },
      { tool: "transfer_funds", args: { vendor: "x" }, stored: "keys" },
      { tool: "transfer_funds", args: { amount: 50 }, stored: "off" },
      { tool: "transfer_funds", args: {}, stored: "off" },
    ]);
    const { json } = await plane.dryRun({ rego_source: LEDGER, sample: "last:10" });
    const byId = Object.fromEntries(
      json.decisions.map(({ event_id, uncertain, missing }: Row) => [event_id, { uncertain, missing }]),
    );
    assert.deepEqual(byId, {
      "call-1": { uncertain: true, missing: ["args.amount", "args.vendor"] },
      // The candidate does not read the vendor, and there was no amount.
      "call-2": { uncertain: false, missing: ["args.vendor"] },
      "call-3": { uncertain: true, missing: ["args.amount", "args.vendor"] },
      "call-4": { uncertain: false, missing: [] },
    });
    assert.deepEqual([json.summary.evaluated, json.summary.uncertain, json.summary.changed], [4, 2, 2]);
    const all = await plane.dryRun({ rego_source: LEDGER, sample: "call-1" });
    assert.deepEqual(findingsOf(all), ["not_tested:warning"]);
  });

  test(`${engine}: what a token was issued with comes back into the input`, async (t) => {
    const plane = await trialPlane(t, engine);
    if (plane === undefined) return;
    const body = { subject: "agent-7", issuer: "people", step_up: true, max_calls: 3, ttl_seconds: 7200 };
    const { jti } = (await plane.request("POST", "/v1/admin/mint", { token: ACME, body })).json;
    const later = new Date(plane.clock.nowMs() + 60_000).toISOString();
    const token = { ts: later, capability_token_id: jti, root_capability_token_id: jti };
    await plane.tell([token, { ...token, capability_token_id: "block" }, { capability_token_id: "other" }]);
    const fresh = `${HEAD}decision := {"allow": input.capability.step_up_age_seconds < 300, "rule": input.capability.issuer}\n`;
    const { json } = await plane.dryRun({ rego_source: fresh, sample: "last:3" });
    const shown = json.decisions.map(({ event_id, candidate_decision, rule, missing }: Row) => [
      ...[event_id, candidate_decision, rule],
      ...missing,
    ]);
    assert.deepEqual(shown.sort(), [
      ["call-1", "allow", "people"],
      ["call-2", "allow", "people"],
      ["call-3", "block", "", "capability.issuer", "capability.step_up_age_seconds"],
    ]);
    const [first] = json.decisions.filter(({ event_id }: Row) => event_id === "call-1");
    assert.equal(first.input.capability.expires_at, "2026-01-01T02:00:00.000Z");
    const ends = `${HEAD}decision := {"allow": input.budget.calls_remaining > 0} if input.capability.expires_at\n`;
    const left = await plane.dryRun({ rego_source: ends, sample: "last:3" });
    assert.deepEqual(left.json.decisions.map(({ missing }: Row) => missing).sort(), [
      ["budget.calls_remaining"],
      ["budget.calls_remaining", "capability.expires_at"],
      ["budget.calls_remaining", "capability.expires_at"],
    ]);
  });

  test(`${engine}: each finding is made where it must be, and the shipped policy has none against itself`, async (t) => {
    const plane = await trialPlane(t, engine);
    if (plane === undefined) return;
    const escalateAll = `${HEAD}decision := {"allow": false, "escalate": true}\n`;
    const failing = `${HEAD}decision := {"allow": true, "nonsense": 1} if startswith(input.tool, "read_")\n`;
    const sampled = async (rego_source: string, sample = "last:500") =>
      findingsOf(await plane.dryRun({ rego_source, sample }));
    assert.deepEqual(await sampled(LEDGER), ["not_tested:warning"]);
    await plane.promote(readDefaultPolicy());
    const calls = Array.from({ length: 18 }, () => ({ tool: "read_invoice" }));
    const denied = { tool: "delete_all", decision: "block", check: "policy" } as const;
    await plane.tell([...calls, denied, { ...denied, agent_id: "agent-8" }]);
    assert.deepEqual(await sampled(readDefaultPolicy()), ["no_change:info"]);
    assert.deepEqual(await sampled(ALLOW_ALL), [
      ...["allows_everything:critical", "default_deny_removed:critical", "mass_allow:warning"],
    ]);
    assert.deepEqual(await sampled(ALLOW_ALL, "agent:agent-8"), [
      ...["allows_everything:critical", "default_deny_removed:critical", "mass_allow:critical"],
    ]);
    assert.deepEqual(await sampled(DENY_ALL), ["mass_block:critical", "denies_everything:critical"]);
    assert.deepEqual(await sampled(escalateAll), ["escalation_surge:warning"]);
    assert.deepEqual(await sampled(failing), [
      ...["policy_error:critical", "mass_block:critical", "denies_everything:critical"],
    ]);
    await plane.promote(ALLOW_ALL);
    const both = await plane.dryRun({ rego_source: ALLOW_ALL, input: { tool: "x" } });
    assert.deepEqual(findingsOf(both), [
      ...["allows_everything:critical", "default_deny_removed:warning", "no_change:info"],
    ]);
  });
}

test("a policy that cannot be compiled, loaded or run ends in words for its author", async (t) => {
  const plane = await trialPlane(t, "embedded");
  if (plane === undefined) return;
  await plane.tell([{ tool: "read_invoice" }, { tool: "bomb" }]);
  const refused = await plane.dryRun({ rego_source: `${HEAD}decision := nonsense(1)\n`, sample: "last:5" });
  assert.deepEqual([refused.status, refused.json.code], [400, "policy.rego"]);
  assert.match(refused.json.error, /policy\.rego:3: rego_type_error: undefined function nonsense/);
  const never = await plane.dryRun({
    rego_source: `${HEAD}decision := {"allow": true, "x": 1}\n`,
    sample: "last:5",
  });
  assert.deepEqual([never.status, never.json.code], [400, "policy.unusable"]);
  assert.match(never.json.error, /Unrecognized key/);
  const bomb = `${HEAD}decision := {"allow": true} if input.tool != "bomb"
decision := {"allow": count([1 | some a in n; some b in n; some c in n; some d in n; a + b + c + d < 0]) > 0} if input.tool == "bomb"
n := numbers.range(1, 1000)
`;
  const { status, json, text } = await plane.dryRun({ rego_source: bomb, sample: "last:5" });
  assert.equal(status, 200, text);
  const shown = json.decisions.map((row: Row) => [row.event_id, row.candidate_decision, row.failed]);
  assert.deepEqual(shown, [
    ["call-2", "block", true],
    ["call-1", "allow", false],
  ]);
  assert.match(json.decisions[0].candidate_reason, /in time|failed while/);
  assert.ok(findingsOf({ json }).includes("policy_error:critical"));
});

test("without the compiler a dry run answers 503", async (t) => {
  const compile = createPolicyCompiler({ opaPath: undefined });
  const plane = await testPlane(t, "embedded", { compile });
  if (plane === undefined) return;
  const body = { rego_source: ALLOW_ALL, sample: "last:1" };
  const answer = await plane.request("POST", "/v1/admin/policies/dry-run", { token: ACME, body });
  assert.deepEqual([answer.status, answer.json.code], [503, "policies.no_compiler"]);
});

test("a dry run at a time is what a tenant has, and other requests are answered meanwhile", async (t) => {
  const plane = await trialPlane(t, "embedded");
  if (plane === undefined) return;
  await plane.tell(Array.from({ length: 400 }, (_, index) => ({ tool: `read_${index}` })));
  const body = { rego_source: LEDGER, sample: "last:10000" };
  const first = plane.dryRun(body);
  const second = await plane.dryRun(body);
  assert.deepEqual([second.status, second.json.code], [429, "trials.busy"]);
  assert.ok(Number(second.headers.get("retry-after")) > 0);
  assert.equal((await plane.request("GET", "/healthz")).status, 200);
  assert.equal((await first).json.summary.evaluated, 400);
  assert.equal((await plane.dryRun({ ...body, max_samples: 0 })).status, 200);
});

test("a written input is completed, judged as it is shown, and may be sent again as it was shown", async (t) => {
  const plane = await trialPlane(t, "embedded");
  if (plane === undefined) return;
  const echo = `${HEAD}decision := {"allow": true, "reason": json.marshal(input)}\n`;
  const input = {
    tool: "transfer_funds",
    args: { amount: 5, deep: { er: [1, null] } },
    intent: { summary: "pay", allowed_tools: ["transfer_funds"] },
    capability: { step_up_age_seconds: 30, expires_at: "2027-01-01T00:00:00+01:00" },
    budget: { calls_remaining: 3 },
    time: { now: "2026-05-04T08:30:00Z" },
  };
  const asked = async (written: unknown) => {
    const { json, text } = await plane.dryRun({ rego_source: echo, input: written });
    const [decision] = json.decisions ?? assert.fail(text);
    assert.deepEqual(JSON.parse(decision.candidate_reason), decision.input);
    return decision.input;
  };
  const whole = await asked(input);
  assert.deepEqual(whole.time, {
    now: "2026-05-04T08:30:00.000Z",
    unix_ms: 1777883400000,
    hour: 8,
    minute: 30,
    weekday: 1,
  });
  assert.equal(whole.capability.step_up_at, "2026-05-04T08:29:30.000Z");
  assert.deepEqual(await asked(whole), whole);
  const list = await asked({ action: "list", method: "tools/call" });
  assert.deepEqual([list.agent_id, list.args, list.intent, list.budget], ["dry-run", {}, undefined, {}]);
});

test("what is wrong with a request is said with its path", async (t) => {
  const plane = await trialPlane(t, "embedded");
  if (plane === undefined) return;
  const rego_source = ALLOW_ALL;
  const wrong: [object, RegExp][] = [
    [{ sample: "last:1" }, /^body\.rego_source: is required/],
    [{ rego_source, rego: rego_source, sample: "last:1" }, /^body\.rego: /],
    [
      { rego_source, sample: "last:0" },
      /^body\.sample: last: takes a number from 1 to 10000; allowed are last:N/,
    ],
    [{ rego_source, sample: "last:2", limit: 1 }, /^body\.limit: is said by the sample already/],
    [{ rego_source, sample: "tool:a", tool: "a" }, /^body\.tool: /],
    [{ rego_source, sample: "24h", from: "2026-01-01T00:00:00Z" }, /^body\.from: /],
    [{ rego_source, sample: "call-1", limit: 1 }, /^body\.sample: the id of an event stands alone/],
    [{ rego_source, input: {}, sample: "last:1" }, /^body\.input: excludes sample/],
    [{ rego_source, input: {}, limit: 1 }, /^body\.input: excludes/],
    [{ rego_source, input: { tol: "x" } }, /^body\.input\.tol: unknown field/],
    [
      { rego_source, input: { time: { now: "2026-01-01T10:00:00Z", hour: 9 } } },
      /^body\.input\.time\.hour: .*10$/,
    ],
    [
      { rego_source, input: { agent_id: "a", capability: { subject: "b" } } },
      /^body\.input\.capability\.subject: /,
    ],
    [{ rego_source, limit: 10_001 }, /^body\.limit: /],
    [{ rego_source, sample: "last:1", max_samples: 1001 }, /^body\.max_samples: /],
  ];
  for (const [body, error] of wrong) {
    const answer = await plane.dryRun(body);
    assert.equal(answer.status, 400, JSON.stringify(body));
    assert.match(answer.json.error, error);
  }
  const huge = await plane.dryRun({ rego_source, input: { args: { text: "x".repeat(1_100_000) } } });
  assert.equal(huge.status, 413);
  const large = await plane.dryRun({
    rego_source: LEDGER,
    input: { tool: "transfer_funds", args: { amount: "x".repeat(900_000) } },
  });
  assert.deepEqual([large.status, large.json.decisions[0].candidate_decision], [200, "block"]);
});
