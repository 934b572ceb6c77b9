// Kill switches at the admin door: every scope, every way to end, what is refused, and who may stop whom.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { repositoryRoot } from "@postern/testkit";
import { sql } from "drizzle-orm";
import { ACME, BETA, ENGINES, type TestPlane, testPlane } from "../../control-plane.fixture.ts";

const PATH = "/v1/admin/kill-switch";

function adminOf(plane: TestPlane, token?: string) {
  const asked = token === undefined ? {} : { token };
  return {
    engage: (body: object) => plane.request("POST", PATH, { ...asked, body: { reason: "why", ...body } }),
    list: (query = "") => plane.request("GET", `${PATH}${query}`, asked),
    release: (id: string, reason: unknown = "over") =>
      plane.request("POST", `${PATH}/${id}/release`, { ...asked, body: { reason } }),
    releaseTarget: (body: object) => plane.request("POST", `${PATH}/release`, { ...asked, body }),
  };
}

const told = (plane: TestPlane, tool: string, tenant: string) =>
  plane.request("GET", `/v1/admin/audit?tenant=${tenant}&tool=${tool}`).then(({ json }) => json.items);

const TARGETS = [
  { scope: "tenant" },
  { scope: "agent", value: "agent-x" },
  { scope: "tool", value: "delete_*" },
  { scope: "token", value: "jti-1" },
  { scope: "subtree", value: "jti-1" },
] as const;

for (const engine of ENGINES) {
  test(`${engine}: each scope is engaged, listed, told in the chain and released`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    const acme = adminOf(plane, ACME);
    for (const target of TARGETS) {
      const { status, json } = await acme.engage({ ...target, reason: "a leak" });
      assert.equal(status, 201, JSON.stringify(json));
      const { id, engaged_at, ...rest } = json;
      assert.equal(engaged_at, new Date(plane.clock.nowMs()).toISOString());
      assert.deepEqual(rest, {
        ...{ scope: target.scope, value: "value" in target ? target.value : "", tenant: "acme" },
        ...{ reason: "a leak", state: "on", engaged_by: "tenant-admin:acme" },
      });
      assert.deepEqual((await acme.list()).json, { items: [json] });
      plane.clock.advance(1_000);
      assert.equal((await acme.release(id, "fixed")).status, 204);
      assert.deepEqual((await acme.list()).json, { items: [] });
      const again = await acme.release(id);
      assert.deepEqual([again.status, again.json.code], [409, "halts.over"]);
    }
    const [engaged, released] = [
      await told(plane, "admin/engage_halt", "acme"),
      await told(plane, "admin/release_halt", "acme"),
    ];
    assert.deepEqual([engaged.length, released.length], [5, 5]);
    const { token, agent } = Object.fromEntries(
      engaged.map((event: { arg_values: { scope: string } }) => [event.arg_values.scope, event]),
    );
    assert.deepEqual(
      [agent.agent_id, agent.reason, token.capability_token_id],
      [...["agent-x", "a leak", "jti-1"]],
    );
    const history = (await acme.list("?state=all")).json.items;
    assert.deepEqual(
      history.map((item: { scope: string; state: string; release_reason: string }) => [
        ...[item.scope, item.state, item.release_reason],
      ]),
      TARGETS.map(({ scope }) => [scope, "released", "fixed"]).reverse(),
    );
  });

  test(`${engine}: what is stopped stays under its first reason, and its end never comes nearer`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    const { engage, list } = adminOf(plane);
    const target = { tenant: "acme", scope: "agent", value: "agent-x" };
    const at = (seconds: number) => new Date(plane.clock.nowMs() + seconds * 1_000).toISOString();
    const version = async () =>
      (await plane.units.read((db) => plane.nouns.halts.versions(db, ["acme"]))).get("acme");
    const first = await engage({ ...target, ttl_seconds: 60 });
    assert.deepEqual([first.status, first.json.expires_at, await version()], [201, at(60), 1]);
    const repeated = await engage({ ...target, ttl_seconds: 10, reason: "other" });
    assert.deepEqual([repeated.status, repeated.json, await version()], [200, first.json, 1]);
    const longer = await engage({ ...target, expires_at: at(90), reason: "other" });
    assert.deepEqual(
      [longer.status, longer.json, await version()],
      [...[200, { ...first.json, expires_at: at(90) }, 2]],
    );
    const { expires_at, ...forGood } = first.json;
    const open = await engage(target);
    assert.deepEqual([open.status, open.json, await version()], [200, forGood, 3]);
    assert.deepEqual((await engage({ ...target, ttl_seconds: 600 })).json, forGood);
    assert.deepEqual((await list("?tenant=acme")).json, { items: [forGood] });
    const events = await told(plane, "admin/engage_halt", "acme");
    assert.deepEqual(
      events.map(({ arg_values }: { arg_values: { already_on: boolean } }) => arg_values.already_on),
      [true, true, true, true, false],
    );
  });

  test(`${engine}: one that has a time ends by it, without anybody's doing, and can be engaged again`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    const { engage, list, release } = adminOf(plane, ACME);
    const on = () => plane.units.read((db) => plane.nouns.halts.on(db, "acme", plane.clock.nowMs()));
    const { json } = await engage({ scope: "tool", value: "pay", ttl_seconds: 5 });
    plane.clock.advance(4_999);
    assert.deepEqual([(await list()).json.items.length, (await on()).length], [1, 1]);
    plane.clock.advance(1);
    assert.deepEqual([(await list()).json.items, await on()], [[], []]);
    const [ended] = (await list("?state=all")).json.items;
    assert.deepEqual([ended.id, ended.state, ended.released_at], [json.id, "expired", undefined]);
    assert.equal((await release(json.id)).json.code, "halts.over");
    assert.equal((await engage({ scope: "tool", value: "pay" })).status, 201);
  });

  test(`${engine}: only a superadmin stops everybody, every tenant sees it, and none can end it`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    const [root, acme, beta] = [adminOf(plane), adminOf(plane, ACME), adminOf(plane, BETA)];
    const forbidden = await acme.engage({ scope: "global" });
    assert.deepEqual([forbidden.status, forbidden.json.code], [403, "admin.forbidden"]);
    assert.equal((await root.engage({ scope: "global", tenant: "acme" })).status, 400);
    const { status, json } = await root.engage({ scope: "global" });
    assert.deepEqual([status, json.tenant], [201, undefined]);
    assert.equal((await root.engage({ scope: "global" })).status, 200);
    for (const one of [acme, beta, root]) assert.deepEqual((await one.list()).json, { items: [json] });
    assert.deepEqual((await root.list("?tenant=beta")).json, { items: [json] });
    const versions = await plane.units.read((db) => plane.nouns.halts.versions(db, ["acme", "beta"]));
    assert.deepEqual([...versions.values()], [1, 1]);
    assert.deepEqual(
      [(await acme.release(json.id)).status, (await acme.releaseTarget({ scope: "global" })).status],
      [...[403, 403]],
    );
    assert.equal((await root.releaseTarget({ scope: "global", reason: "over" })).status, 204);
    assert.deepEqual((await beta.list()).json, { items: [] });
    assert.equal((await told(plane, "admin/engage_halt", "postern-system")).length, 2);
    assert.equal((await told(plane, "admin/release_halt", "postern-system")).length, 1);
  });

  test(`${engine}: another tenant's kill switch does not exist`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    const [acme, beta] = [adminOf(plane, ACME), adminOf(plane, BETA)];
    const { json } = await acme.engage({ scope: "agent", value: "agent-x" });
    assert.equal((await beta.engage({ scope: "tenant", tenant: "acme" })).status, 404);
    assert.equal((await beta.engage({ scope: "tenant", value: "acme" })).status, 404);
    assert.equal((await beta.releaseTarget({ scope: "agent", value: "agent-x" })).status, 404);
    const foreign = await beta.release(json.id);
    assert.deepEqual(foreign.json, (await beta.release("no-such-thing")).json);
    assert.equal(foreign.status, 404);
    assert.deepEqual((await beta.list("?tenant=acme&state=all")).json, { items: [] });
    assert.deepEqual((await acme.list()).json.items.length, 1);
    const onForBeta = await plane.units.read((db) => plane.nouns.halts.on(db, "beta", plane.clock.nowMs()));
    assert.deepEqual(onForBeta, []);
  });

  test(`${engine}: a list is read page by page, newest first, stable under what is added meanwhile`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    const { engage, list } = adminOf(plane, ACME);
    for (const value of ["a", "b", "c", "d", "e"]) {
      await engage({ scope: "agent", value });
      plane.clock.advance(value === "b" ? 0 : 10);
    }
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await list(`?limit=2${cursor === undefined ? "" : `&cursor=${cursor}`}`);
      assert.equal(page.status, 200, page.text);
      seen.push(...page.json.items.map(({ value }: { value: string }) => value));
      cursor = page.json.next_cursor;
      await engage({ scope: "agent", value: `late-${seen.length}` });
    } while (cursor !== undefined);
    assert.deepEqual([...seen].sort(), ["a", "b", "c", "d", "e"]);
    assert.equal(seen[0], "e");
    const { next_cursor: other } = (await list("?limit=2&state=all")).json;
    assert.equal((await list(`?limit=2&cursor=${other}`)).status, 400);
  });

  test(`${engine}: no more may be on than one state can tell of, and what ended makes room`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    const { engage, releaseTarget } = adminOf(plane, ACME);
    await engage({ scope: "agent", value: "a0", ttl_seconds: 9 });
    await plane.database.executor.execute(
      sql`insert into halts (tenant, id, scope, value, reason, engaged_at, engaged_by)
          select 'acme', 'h' || n, 'agent', 'a' || n, 'why', now(), '' from generate_series(1, 498) n`,
    );
    const refused = await engage({ scope: "agent", value: "more" });
    assert.deepEqual([refused.status, refused.json.code], [429, "halts.many"]);
    assert.match(refused.json.error, /499 .*release some/);
    assert.equal((await engage({ scope: "agent", value: "a7" })).status, 200);
    assert.equal((await adminOf(plane).engage({ scope: "global" })).status, 201);
    assert.equal((await adminOf(plane, BETA).engage({ scope: "tenant" })).status, 201);
    await releaseTarget({ scope: "agent", value: "a7" });
    assert.equal((await engage({ scope: "agent", value: "more" })).status, 201);
    plane.clock.advance(9_000);
    assert.equal((await engage({ scope: "agent", value: "even-more" })).status, 201);
    const onAt = (ms: number) => plane.units.read((db) => plane.nouns.halts.on(db, "acme", ms));
    assert.equal((await onAt(plane.clock.nowMs())).length, 500);
    const onForALaggingClock = await onAt(plane.clock.nowMs() - 1);
    assert.equal(onForALaggingClock.length, 500);
    assert.ok(onForALaggingClock.every(({ value }) => value !== "a0"));
  });

  test(`${engine}: two who stop the same at the same time stop it once`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    const { engage, list, release } = adminOf(plane, ACME);
    const answers = await Promise.all(Array.from({ length: 8 }, () => engage({ scope: "tenant" })));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 200, 200, 200, 200, 200, 200, 201]);
    const [only, ...others] = (await list()).json.items;
    assert.deepEqual(others, []);
    const releases = await Promise.all(Array.from({ length: 4 }, () => release(only.id)));
    assert.deepEqual(releases.map(({ status }) => status).sort(), [204, 409, 409, 409]);
  });
}

test("what cannot be meant is refused", async (t) => {
  const plane = await testPlane(t, "embedded");
  assert.ok(plane !== undefined);
  const { engage, list, release, releaseTarget } = adminOf(plane, ACME);
  const soon = new Date(plane.clock.nowMs() + 60_000).toISOString();
  const wrong: readonly object[] = [
    { scope: "nobody" },
    { scope: "agent" },
    { scope: "agent", value: "" },
    { scope: "agent", value: "x".repeat(201) },
    { scope: "agent", value: "a\nb" },
    { scope: "agent", value: "a\u0000b" },
    { scope: "agent", value: 7 },
    { scope: "tool", value: "" },
    { scope: "tool", value: "x".repeat(257) },
    { scope: "tool", value: "a\u001bb" },
    { scope: "tool", value: "\ud800" },
    { scope: "token", value: "a b" },
    { scope: "token", value: "../x" },
    { scope: "subtree", value: "" },
    { scope: "tenant", value: "agent-x" },
    { scope: "tenant", value: "Not A Name" },
    { scope: "tenant", value: "acme", tenant: "default" },
    { scope: "tenant", reason: "" },
    { scope: "tenant", reason: " \u00a0 " },
    { scope: "tenant", reason: "a\u0007" },
    { scope: "tenant", reason: "x".repeat(513) },
    { scope: "tenant", ttl_seconds: 0 },
    { scope: "tenant", ttl_seconds: 1.5 },
    { scope: "tenant", ttl_seconds: 315_360_001 },
    { scope: "tenant", ttl_seconds: 60, expires_at: soon },
    { scope: "tenant", expires_at: new Date(plane.clock.nowMs()).toISOString() },
    { scope: "tenant", expires_at: "tomorrow" },
    { scope: "tenant", by: "me" },
  ];
  for (const body of wrong) {
    const refused = await engage(body);
    const isNoTenant = refused.json.code === "tenant.not_found";
    assert.ok(refused.status === (isNoTenant ? 404 : 400), `${JSON.stringify(body)}: ${refused.text}`);
  }
  assert.equal((await list("?state=off")).status, 400);
  assert.equal((await list("?cursor=x")).status, 400);
  assert.deepEqual((await list("?state=all")).json, { items: [] });
  assert.equal((await release("x", "")).status, 400);
  assert.equal((await releaseTarget({ scope: "tenant", reason: "" })).status, 400);
  const unknown = await releaseTarget({ scope: "tenant" });
  assert.deepEqual([unknown.status, unknown.json.code], [404, "halts.unknown"]);
});

test("a superadmin may name the tenant in either field, and is told of one that is not there", async (t) => {
  const plane = await testPlane(t, "embedded");
  assert.ok(plane !== undefined);
  const { engage, releaseTarget } = adminOf(plane);
  const byValue = await engage({ scope: "tenant", value: "acme" });
  assert.deepEqual([byValue.json.tenant, byValue.json.value], ["acme", ""]);
  assert.equal((await engage({ scope: "tenant", tenant: "acme" })).json.id, byValue.json.id);
  assert.equal((await releaseTarget({ scope: "tenant", tenant: "acme", value: "acme" })).status, 204);
  for (const named of [{ value: "nope" }, { tenant: "nope" }]) {
    const refused = await engage({ scope: "tenant", ...named });
    assert.deepEqual([refused.status, refused.json.code], [404, "tenant.not_found"]);
  }
  assert.equal((await engage({ scope: "agent", value: "a", tenant: "postern-system" })).status, 400);
});

test("the page about kill switches has examples that work", async (t) => {
  const plane = await testPlane(t, "embedded");
  assert.ok(plane !== undefined);
  const page = readFileSync(join(repositoryRoot, "docs", "kill-switch.md"), "utf8");
  const [, examples = ""] = /```http\n([^`]*)```/.exec(page) ?? [];
  const calls = examples.trim().split("\n\n");
  const statuses: number[] = [];
  for (const call of calls) {
    const [, method = "", path = "", body] = /^([A-Z]+) (\S+)(?:\n(.*))?$/.exec(call) ?? [];
    const request = { token: ACME, ...(body !== undefined && { body }) };
    statuses.push((await plane.request(method, path, request)).status);
  }
  assert.deepEqual(statuses, [201, 201, 201, 200, 200, 204]);
});
