// postern halt against a scripted control plane.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { TestScope } from "@postern/testkit";
import { controlPlane } from "./control-plane.fixture.ts";

const halt = {
  ...{ id: "h1", tenant: "acme", scope: "agent", value: "billing-bot", reason: "wrong amounts", state: "on" },
  ...{ engaged_at: "2026-01-01T00:00:00.000Z", engaged_by: "superadmin" },
};
const { tenant: _, ...global } = { ...halt, id: "h2", scope: "global", value: "", reason: "\u001b[2Jstop" };

async function haltPlane(t: TestScope) {
  const { run, json, seen } = await controlPlane(t, (line, body) => {
    if (line.includes("/gone/release"))
      return [409, { error: "This kill switch is no longer on.", code: "halts.over" }];
    if (line.includes("/release")) return [204];
    if (line.startsWith("POST")) return [201, body.includes("global") ? global : halt];
    if (line.includes("cursor=more")) return [200, { items: [global] }];
    return [200, { items: [halt], next_cursor: "more" }];
  });
  return {
    seen,
    run: (...args: string[]) => run("halt", ...args),
    json: (...args: string[]) => json("halt", ...args),
  };
}

test("halt list shows every page, and no terminal obeys a reason", async (t) => {
  const { run, json, seen } = await haltPlane(t);
  const { code, stdout } = await run("list", "--tenant", "acme");
  assert.equal(code, 0);
  assert.match(stdout, /^h1 +acme +agent +billing-bot +on +- +wrong amounts$/m);
  assert.match(stdout, /^h2 +- +global +- +on +- +\\u\{1b\}\[2Jstop$/m);
  assert.equal(seen[0], "GET /v1/admin/kill-switch?tenant=acme&limit=1000");
  assert.deepEqual((await json("list", "--all")).json, [halt, global]);
  assert.match(seen.at(-1) ?? "", /state=all/);
});

test("halt engage names the target, the reason and the end", async (t) => {
  const { run, json, seen } = await haltPlane(t);
  const args = ["agent", "billing-bot", "--reason", "wrong amounts"];
  const done = await run("engage", ...args, "--for", "2h", "--tenant", "acme");
  assert.deepEqual(
    [done.code, done.stdout],
    [...[0, "Stopped the agent billing-bot of tenant acme until it is released. Kill switch h1.\n"]],
  );
  assert.equal(
    seen.at(-1),
    'POST /v1/admin/kill-switch {"scope":"agent","value":"billing-bot","tenant":"acme","reason":"wrong amounts","ttl_seconds":7200}',
  );
  assert.deepEqual((await json("engage", ...args)).json, halt);
  for (const wrong of [["agent", "x"], ["nobody", "--reason", "x"], [], ["agent", "x", "y", "--reason", "x"]])
    assert.equal((await run("engage", ...wrong)).code, 2, wrong.join(" "));
  assert.equal((await run("engage", ...args, "--for", "soon")).code, 2);
});

test("halt engage global is sent without the tenant of the settings, and never with one that was given", async (t) => {
  const { run, seen } = await haltPlane(t);
  assert.match((await run("engage", "global", "--reason", "stop")).stdout, /^Stopped everybody until/);
  assert.equal(seen.at(-1), 'POST /v1/admin/kill-switch {"scope":"global","value":"","reason":"stop"}');
  assert.equal((await run("engage", "global", "--reason", "stop", "--tenant", "acme")).code, 2);
  assert.equal(seen.length, 1);
});

test("halt release takes an id or a target, and says when it was over already", async (t) => {
  const { run, seen } = await haltPlane(t);
  assert.equal((await run("release", "h1", "--reason", "fixed")).stdout, "Released the kill switch h1.\n");
  assert.equal(seen.at(-1), 'POST /v1/admin/kill-switch/h1/release {"reason":"fixed"}');
  const target = ["agent", "billing-bot", "--reason", "fixed", "--tenant", "acme"];
  assert.equal((await run("release", ...target)).stdout, "Released the agent billing-bot of tenant acme.\n");
  assert.equal(
    seen.at(-1),
    'POST /v1/admin/kill-switch/release {"scope":"agent","value":"billing-bot","tenant":"acme","reason":"fixed"}',
  );
  const late = await run("release", "gone", "--reason", "fixed");
  assert.deepEqual([late.code, /no longer on/.test(late.stderr)], [2, true]);
  assert.equal((await run("release", "h1")).code, 2);
  assert.equal((await run("release", "agnet", "billing-bot", "--reason", "fixed")).code, 2);
});
