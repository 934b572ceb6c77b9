// Replicas over one Postgres, as real programs: what one of them is doing when it is killed has happened as a whole or not at all, what they all
// watch over is done once, and neither a lost connection nor a database that crashes is more than a pause.
import assert from "node:assert/strict";
import { after, type TestContext, test } from "node:test";
import { defer } from "@postern/testkit";
import { eventually, TENANT } from "../e2e/stack.ts";
import { ACTIVE, enrol, killedWhile, parkCalls, provision, reportBroken, untilFree } from "./fleet-acts.ts";
import { createListeningSidecar, type ListeningSidecar } from "./listening-sidecar.ts";
import { startLoad, startReceiver } from "./replica-load.ts";
import { createReplicas, type Replica, type Replicas } from "./replicas.ts";
import { acts, assertVerified, assertWhole } from "./whole-state.ts";

const ROUNDS = 12;
const CALLS_PER_ROUND = 12;
/** Far above what anything here takes, since the machine may be busy, milliseconds. */
const SOON_MS = 5_000;
const TIMEOUT = { timeout: 240_000 };

interface Standing {
  readonly replicas: Replicas;
  readonly sql: Replicas["sql"];
  readonly survivor: Replica;
  /** The one beside it; another one after each kill. */
  victim: Replica;
  readonly sidecar: ListeningSidecar;
  readonly drafts: readonly string[];
}

/** Registered now: within a test a hook would be the test's. */
const FILE = { after, skip: () => {} };
defer(FILE, () => {});
let standing: Promise<Standing | undefined> | undefined;

/** Two replicas, a tenant and a sidecar, the same for all tests of this file; undefined and a skipped test where there is no Postgres. */
async function stand(t: TestContext): Promise<Standing | undefined> {
  standing ??= begin(t);
  const made = await standing;
  if (made === undefined) t.skip("there is no Postgres");
  return made;
}

async function begin(t: TestContext): Promise<Standing | undefined> {
  const replicas = await createReplicas(FILE);
  if (replicas === undefined) return undefined;
  const startedMs = performance.now();
  const [survivor, victim] = await Promise.all([replicas.start(), replicas.start()]);
  t.diagnostic(`two replicas started at once on an empty database in ${since(startedMs)} ms`);
  return { ...{ replicas, sql: replicas.sql, survivor, victim }, ...(await provision(survivor)) };
}

const since = (startedMs: number) => Math.round(performance.now() - startedMs);

test(
  "a replica that is killed while it promotes and decides leaves each act whole or undone, and the others free",
  TIMEOUT,
  async (t) => {
    const all = await stand(t);
    if (all === undefined) return;
    // The next one is started while the one before is still to die.
    const coming = [all.replicas.start()];
    const counts = { promoted: 0, decided: 0, unanswered: 0, slowestMs: 0 };
    for (let round = 0; round < ROUNDS; round += 1) {
      const done = await killOnce(all, round);
      coming.push(all.replicas.start());
      counts.slowestMs = Math.max(counts.slowestMs, await assertSurvived(all, done));
      counts.promoted += done.promoted.length;
      counts.decided += done.decided.length;
      counts.unanswered += done.unanswered;
      all.victim = (await coming.shift()) ?? all.victim;
    }
    for (const late of coming) await (await late).process.stop();
    await assertVerified(all.survivor);
    t.diagnostic(
      `${ROUNDS} kills: ${counts.promoted} changes of policy and ${counts.decided} decisions were answered, ${counts.unanswered} acts were ` +
        `under way; the survivor changed the policy, parked and decided within ${Math.round(counts.slowestMs)} ms`,
    );
  },
);

type Killed = Awaited<ReturnType<typeof killedWhile>> & { readonly parked: readonly string[] };

async function killOnce({ sidecar, survivor, victim, drafts }: Standing, round: number): Promise<Killed> {
  const parked = await parkCalls(sidecar, survivor, `round-${round}`, CALLS_PER_ROUND);
  const hearing = sidecar.listen(victim.url, new AbortController().signal);
  const done = await killedWhile(victim, { drafts, parked, afterMs: 20 + Math.random() * 480 });
  assert.notEqual(await hearing, "", "the stream broke");
  return { ...done, parked };
}

/** Milliseconds that the survivor took to do all that the other one was killed in. */
async function assertSurvived({ sql, sidecar, survivor }: Standing, done: Killed): Promise<number> {
  const ended = new AbortController();
  const hearing = sidecar.listen(survivor.url, ended.signal);
  const tookMs = await untilFree(survivor, sidecar);
  assert.ok(tookMs < SOON_MS, `the survivor was held up for ${tookMs} ms`);
  const { revisions, approvals } = await assertWhole(sql);
  for (const revision of done.promoted) assert.ok(revisions.has(revision), "what was answered stays");
  for (const id of done.decided) assert.equal(approvals.get(id), "approved", "what was answered stays");
  const active = await survivor.ask("GET", ACTIVE);
  await eventually(async () => {
    assert.equal(sidecar.policy()?.active?.digest, active.json.digest);
    for (const id of done.parked) assert.equal(sidecar.decided.get(id) ?? "pending", approvals.get(id));
  });
  assert.equal(await sidecar.provenRevision(survivor.url), active.json.revision);
  ended.abort();
  await hearing;
  return tookMs;
}

test(
  "what all replicas watch over is done once: expiries, renewals, checkpoints, webhooks and the watch over rollouts",
  TIMEOUT,
  async (t) => {
    const all = await stand(t);
    if (all === undefined) return;
    const { replicas, sql, survivor, victim, sidecar, drafts } = all;
    const told = await startReceiver(t);
    const events = ["approval.pending", "approval.expired", "rollout.stopped"];
    const webhook = { tenant: TENANT, url: told.url, events };
    assert.equal((await survivor.ask("POST", "/v1/admin/webhooks", webhook)).status, 201);
    const parked = await parkCalls(sidecar, survivor, "to-expire", 30);
    const due = await sql`update approvals set expires_at = now() - interval '1 second'
    where status in ('pending', 'approved') returning id`;
    const plan = { tenant: TENANT, draft_id: drafts[0], mode: "shadow" };
    const rollout = await survivor.ask("POST", "/v1/admin/policies/rollouts", plan);
    await reportBroken(sidecar, survivor, rollout.json.id);
    // Replicas look for bundles to renew when they start.
    await sql`update policy_activations set expires_at = now() + interval '1 minute'`;
    const others = await Promise.all([replicas.start(), replicas.start()]);

    await eventually(async () => {
      assert.equal((await acts(sql, "expire_approval")).length, due.length);
      assert.equal((await acts(sql, "renew_policy")).length, 1);
      assert.equal((await acts(sql, "stop_rollout")).length, 1);
      assert.equal(told.of("approval.pending").length, parked.length);
      assert.equal(told.of("approval.expired").length, due.length);
      assert.equal(told.of("rollout.stopped").length, 1);
      const [ahead] = await sql`select count(*) from audit_chains c where size > coalesce(
      (select max(size) from audit_checkpoints k where k.tenant = c.tenant), 0)`;
      assert.equal(Number(ahead?.count), 0);
    });
    const expired = (await acts(sql, "expire_approval")).map(({ pending_id }) => pending_id);
    assert.deepEqual(expired.sort(), due.map(({ id }) => id).sort());
    for (const type of events) assert.equal(new Set(told.of(type)).size, told.of(type).length, type);
    await assertWhole(sql);
    await assertVerified(survivor);
    for (const { process: running } of [survivor, victim, ...others])
      assert.doesNotMatch(running.stdout() + running.stderr(), /worker failed/);
    for (const { process: running } of others) await running.stop();
    t.diagnostic(
      `4 replicas: ${expired.length} expiries, ${told.all()} webhooks, 1 renewal, 1 rollout stopped`,
    );
  },
);

const EARS = `query ilike 'listen %' and datname = current_database()`;

test(
  "a replica that has lost its ear for the others hears by the poll, and by announcement again when it is back",
  TIMEOUT,
  async (t) => {
    const all = await stand(t);
    if (all === undefined) return;
    const { sql, survivor, victim, sidecar } = all;
    const ended = new AbortController();
    const hearing = sidecar.listen(survivor.url, ended.signal);
    const heard = async (jti: string, revoke: () => Promise<unknown>) => {
      const startedMs = performance.now();
      await revoke();
      await eventually(async () => assert.ok(sidecar.revoked.has(jti)));
      assert.ok(since(startedMs) < SOON_MS);
      return since(startedMs);
    };
    const announced = (jti: string) =>
      heard(jti, async () => {
        assert.equal((await victim.ask("POST", "/v1/admin/revoke", { tenant: TENANT, jti })).status, 204);
      });
    const before = await announced("before");
    const lost =
      await sql`select pg_terminate_backend(pid), pid from pg_stat_activity where ${sql.unsafe(EARS)}`;
    assert.equal(lost.length, 2);
    const meanwhile = await announced("meanwhile");
    // What nobody announces is as good as an announcement that was lost.
    const polled = await heard("unannounced", () => revokeSilently(sql, "unannounced"));
    await eventually(async () => {
      const back = await sql`select pid from pg_stat_activity where ${sql.unsafe(EARS)}`;
      assert.equal(back.filter(({ pid }) => !lost.some((each) => each.pid === pid)).length, 2);
    });
    t.diagnostic(
      `a revocation through another replica was heard after ${before} ms, with the ear just lost ${meanwhile} ms, by the poll ${polled} ms`,
    );
    // A stream is ended by an announcement at once; the poll would look at its credential after a minute.
    const extra = await enrol(survivor);
    const removed = createListeningSidecar(extra, TENANT);
    const stream = removed.listen(survivor.url, ended.signal);
    await eventually(async () => assert.ok(removed.heartbeats() > 0));
    const path = `/v1/admin/sidecars/${extra.sidecar_id}?tenant=${TENANT}`;
    assert.equal((await victim.ask("DELETE", path)).status, 204);
    let isOver = false;
    void stream.then(() => {
      isOver = true;
    });
    await eventually(async () => assert.ok(isOver), SOON_MS);
    assert.equal(await stream, "", "it was ended, not broken");
    ended.abort();
    await hearing;
  },
);

async function revokeSilently(sql: Replicas["sql"], jti: string): Promise<void> {
  await sql.begin(async (tx) => {
    const [next] =
      await tx`update revocation_versions set version = version + 1 where tenant = ${TENANT} returning version`;
    await tx`insert into revocations (tenant, jti, version, revoked_at, reason, revoked_by)
      values (${TENANT}, ${jti}, ${Number(next?.version)}, now(), '', '')`;
  });
}

test(
  "a database that crashes under load is answered for with 503, and everything goes on when it is back",
  TIMEOUT,
  async (t) => {
    const all = await stand(t);
    if (all === undefined) return;
    const { sql, survivor, victim, sidecar } = all;
    const ended = new AbortController();
    const hearing = hearAgainAndAgain(sidecar, survivor, ended.signal);
    const load = startLoad([survivor, victim]);
    defer(t, async () => void (await load.stop()));
    await eventually(async () => assert.ok(load.good() > 20 && sidecar.heartbeats() > 0));
    const [backend] = await sql`select pid from pg_stat_activity
    where application_name = 'postern-control-plane' and datname = current_database() limit 1`;
    // A server process that is killed takes all others along, and the database recovers as after a power cut.
    process.kill(Number(backend?.pid), "SIGKILL");
    const crashedMs = performance.now();
    await eventually(async () => assert.ok(load.bad() > 0));
    await load.untilGoodAgain();
    const recoveredMs = since(crashedMs);
    const statuses = await load.stop();
    const others = [...statuses.keys()].filter((status) => ![200, 201, 204, 503].includes(status));
    assert.deepEqual(others, [], JSON.stringify([...statuses]));
    for (const { url } of [survivor, victim]) assert.equal((await fetch(`${url}/readyz`)).status, 200);

    const jti = "after-the-crash";
    assert.equal((await victim.ask("POST", "/v1/admin/revoke", { tenant: TENANT, jti })).status, 204);
    await eventually(async () => assert.ok(sidecar.revoked.has(jti)));
    ended.abort();
    const breaks = await hearing;
    await assertWhole(sql);
    await assertVerified(survivor);
    for (const { process: running } of [survivor, victim]) assert.equal((await running.stop()).code, 0);
    t.diagnostic(
      `all good again ${recoveredMs} ms after the crash; answers: ${JSON.stringify([...statuses])}; the stream ended ${JSON.stringify(breaks)}`,
    );
  },
);

/** As sidecars do: whenever the stream ends, it is opened again. Why it ended each time. */
async function hearAgainAndAgain(sidecar: ListeningSidecar, { url }: Replica, signal: AbortSignal) {
  const breaks: string[] = [];
  while (!signal.aborted) {
    breaks.push(await sidecar.listen(url, signal));
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return breaks;
}
