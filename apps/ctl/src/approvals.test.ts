// postern approvals against a scripted control plane.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { TestScope } from "@postern/testkit";
import { controlPlane } from "./control-plane.fixture.ts";

const parked = {
  ...{ id: "p1", tenant: "acme", agent_id: "robot", capability_token_id: "t1", tool: "pay" },
  ...{
    arguments: { to: "a\u202eb", amount: 5 },
    escalating_rule: "large",
    created_at: "2026-01-01T00:00:00.000Z",
  },
  ...{ status: "pending", approvals_given: 0, approvals_required: 2, expires_at: "2026-01-01T01:00:00.000Z" },
  ...{ reason: "A \u001b[2Jlarge amount.", digest: "0".repeat(64) },
};

async function queuePlane(t: TestScope) {
  let yes = 0;
  const { run, json, seen } = await controlPlane(t, (line) => {
    if (line.includes("/gone/decide"))
      return [409, { error: "It was rejected by ada.", code: "approvals.rejected" }];
    if (line.includes("/decide")) {
      yes += 1;
      return [204];
    }
    const now = { ...parked, approvals_given: yes, status: yes < 2 ? "pending" : "approved" };
    if (line.includes("/approvals/")) return [200, now];
    if (line.includes("tenant=empty")) return [200, { items: [] }];
    if (line.includes("cursor=more")) return [200, { items: [{ ...now, id: "p2" }] }];
    return [200, { items: [now], next_cursor: "more" }];
  });
  return {
    seen,
    run: (...args: string[]) => run("approvals", ...args),
    json: (...args: string[]) => json("approvals", ...args),
  };
}

test("approvals shows every page, with what nobody would see written out", async (t) => {
  const { run, json } = await queuePlane(t);
  const { code, stdout } = await run();
  assert.equal(code, 0);
  assert.match(stdout, /^p1 +acme +robot +pay +\{"to":"a\\u\{202e\}b","amount":5\} +2026-01-01T01/m);
  assert.match(stdout, /^p2 /m);
  assert.equal((await json()).json.length, 2);
  assert.equal((await run("--tenant", "empty")).stdout, "No call waits for a person.\n");
});

test("approvals show tells the whole call, and no terminal obeys it", async (t) => {
  const { run } = await queuePlane(t);
  const { code, stdout } = await run("show", "p1");
  assert.equal(code, 0);
  assert.match(stdout, /^why +A \\u\{1b\}\[2Jlarge amount\.$/m);
  assert.match(stdout, /^approvals +0 of 2$/m);
  assert.match(stdout, /^ {2}"to": "a\\u\{202e\}b",$/m);
});

test("approvals approve says how many more are needed, and reject what stands instead", async (t) => {
  const { run, seen } = await queuePlane(t);
  const first = await run("approve", "p1", "--reason", "known payee");
  assert.equal(first.stdout, "Noted. The call p1 still waits: 1 of 2 people said yes.\n");
  assert.ok(
    seen.includes('POST /v1/admin/approvals/p1/decide {"decision":"approve","reason":"known payee"}'),
  );
  assert.equal((await run("approve", "p1")).stdout, "The call p1 is approved.\n");
  const late = await run("reject", "gone");
  assert.deepEqual([late.code, /rejected by ada/.test(late.stderr)], [2, true]);
  assert.equal((await run("approve")).code, 2);
});
