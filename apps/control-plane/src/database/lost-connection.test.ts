// A transaction whose connection is lost while it thinks does nothing more: not to the process, and not to whoever has the connection next.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { defer, throwawayPostgres } from "@postern/testkit";
import { type SQL, sql } from "drizzle-orm";
import { type Database, type Executor, rowsOf } from "./connection.ts";
import { openPostgres } from "./postgres.ts";

/** Two ways to one database: one connection that everybody shares, and one that looks on. */
async function setup(t: TestContext) {
  const address = await throwawayPostgres(t);
  if (address === undefined) return undefined;
  const open = () => {
    const database = openPostgres({ url: address.url, connectionsMax: 1 });
    defer(t, () => database.close());
    return database;
  };
  const [shared, beside] = [open(), open()];
  await beside.executor.execute(sql`create table notes (note text)`);
  const notes = async () =>
    (await rowsOf(beside.executor, sql`select note from notes`)).map(({ note }) => note);
  return { shared, beside, notes };
}

const note = (text: string): SQL => sql`insert into notes values (${text})`;

async function loseConnection(beside: Database): Promise<void> {
  await beside.executor.execute(
    sql`select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
      and backend_type = 'client backend'`,
  );
}

/** A transaction that writes, thinks until it is told to go on, and then does the rest. */
function thinking(database: Database, rest: (executor: Executor) => Promise<unknown>) {
  const thinks = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const whole = database.transaction(async (executor) => {
    await executor.execute(note("before"));
    thinks.resolve();
    await goOn.promise;
    return await rest(executor);
  });
  whole.catch(() => {});
  return { whole, thinks: thinks.promise, goOn: () => goOn.resolve() };
}

const ENDINGS: Readonly<Record<string, (executor: Executor) => Promise<unknown>>> = {
  "sends another statement": (executor) => executor.execute(note("after")),
  "has nothing more to do": async () => {},
  "gives up": async () => {
    throw new Error("given up");
  },
};

for (const [how, rest] of Object.entries(ENDINGS))
  test(`a transaction that has lost its connection and then ${how} disturbs nobody`, async (t) => {
    const two = await setup(t);
    if (two === undefined) return;
    const { shared, beside, notes } = two;
    const lost = thinking(shared, rest);
    await lost.thinks;
    await loseConnection(beside);
    await assert.rejects(lost.whole);

    // The same connection begins its next life for somebody else, in the middle of whose transaction the first one goes on.
    const next = thinking(shared, (executor) => executor.execute(note("next")));
    await next.thinks;
    lost.goOn();
    // Long enough for it to reach the server, if it still does.
    for (let turn = 0; turn < 20; turn += 1) await notes();
    next.goOn();
    await next.whole;
    assert.deepEqual(await notes(), ["before", "next"]);
  });

test("a statement that is under way when the connection is lost fails, and the connection is good again", async (t) => {
  const two = await setup(t);
  if (two === undefined) return;
  const { shared, beside, notes } = two;
  for (let round = 0; round < 5; round += 1) {
    const asleep = shared.transaction(async (executor) => {
      await executor.execute(note("asleep"));
      await executor.execute(sql`select pg_sleep(30)`);
    });
    asleep.catch(() => {});
    for (let rows: readonly unknown[] = []; rows.length === 0; )
      rows = await rowsOf(
        beside.executor,
        sql`select 1 from pg_stat_activity where query like 'select pg_sleep%'`,
      );
    await loseConnection(beside);
    await assert.rejects(asleep);
    // The driver tells whoever is next of the old connection's end; nothing was done then.
    const next = () => shared.transaction((executor) => executor.execute(note(`round ${round}`)));
    await next().catch(next);
  }
  assert.equal((await notes()).length, 5);
});

test("a transaction that fails for another reason is rolled back as ever", async (t) => {
  const two = await setup(t);
  if (two === undefined) return;
  const { shared, notes } = two;
  await assert.rejects(
    shared.transaction(async (executor) => {
      await executor.execute(note("undone"));
      throw new Error("no");
    }),
    { message: "no" },
  );
  await assert.rejects(shared.transaction((executor) => executor.execute(sql`select 1 / 0`)));
  await shared.transaction(async (executor) => void (await executor.execute(note("done"))));
  assert.deepEqual(await notes(), ["done"]);
});
