// What connected sidecars hear of decisions: at once, in order, and of those that still matter.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ApprovalTicket, DECISIONS_PER_STATE, NO_VERSIONS, SidecarState } from "@postern/contracts";
import { createKeySet, kidOf, open } from "@postern/signing";
import { ENGINES, type TestPlane } from "../../control-plane.fixture.ts";
import { parkedCall } from "./parked-call.fixture.ts";
import { ANN, BOB, createQueue, type Queue } from "./queue.fixture.ts";
import { findApproval, updateRegister } from "./store.ts";
import { approvals } from "./table.ts";

const MINUTE = 60_000;

async function toldAfter({ plane }: Queue, after: number, tenant = "acme") {
  return await plane.units.read(async (db) => {
    const upTo = (await plane.nouns.approvals.versions(db, [tenant])).get(tenant) ?? 0;
    const range = { tenant, after, upTo, nowMs: plane.clock.nowMs() };
    const { decided, version } = await plane.nouns.approvals.decidedAfter(db, range);
    return { decided: decided.map(short), version };
  });
}
const short = ({ pending_id, status }: ApprovalTicket) => [pending_id, status];

/** What a sidecar of acme hears on its stream; `next` skips all but decisions. */
async function earOf(plane: Pick<TestPlane, "request" | "feed">, nowMs: () => number) {
  const { json } = await plane.request("POST", "/v1/admin/sidecars", { body: { tenant: "acme" } });
  const root = { kid: kidOf(json.trust_root), public_key: json.trust_root };
  const pinned = createKeySet([{ ...root, use: "root", status: "active" }]);
  let keys = createKeySet([]);
  const leaving = new AbortController();
  const heard = { ...NO_VERSIONS };
  const { signal } = leaving;
  const stream = plane.feed.follow({ tenant: "acme", heard, signal, isWelcome: async () => true });
  async function unseal(sealed: string): Promise<SidecarState> {
    const byRoot = { keys: pinned, use: "root", purpose: "keys", nowMs: nowMs() } as const;
    const byState = { keys, use: "state", purpose: "state", nowMs: nowMs() } as const;
    const opened = await open(sealed, byRoot).catch(() => open(sealed, byState));
    const state = SidecarState.parse(opened.document);
    if (state.kind === "keys") keys = createKeySet(state.keys);
    return state;
  }
  return {
    async next() {
      for await (const { sealed } of { [Symbol.asyncIterator]: () => ({ next: () => stream.next() }) }) {
        const state = await unseal(sealed);
        if (state.kind === "approvals")
          return { after: state.after, version: state.version, decided: state.decided.map(short) };
      }
      return undefined;
    },
    async leave() {
      leaving.abort();
      await stream.return();
    },
  };
}

for (const engine of ENGINES) {
  test(`${engine}: a follower hears of each decision, use and expiry at once`, async (t) => {
    const queue = await createQueue(t, engine);
    if (queue === undefined) return;
    const { plane } = queue;
    const ear = await earOf(plane, plane.clock.nowMs);
    assert.deepEqual(await ear.next(), { after: 0, version: 0, decided: [] });
    const one = await queue.parked();
    const two = await queue.parked(parkedCall({ tool: "refund" }));
    const hear = async (act: () => Promise<unknown>) => {
      const waiting = ear.next();
      await act();
      return await waiting;
    };
    assert.deepEqual(await hear(() => queue.decide(one.pending_id, "approve")), {
      ...{ after: 0, version: 1, decided: [[one.pending_id, "approved"]] },
    });
    assert.deepEqual(await hear(() => queue.claim(one)), {
      ...{ after: 1, version: 2, decided: [[one.pending_id, "used"]] },
    });
    plane.clock.advance(60 * MINUTE);
    assert.deepEqual(await hear(() => queue.sweep()), {
      ...{ after: 2, version: 3, decided: [[two.pending_id, "expired"]] },
    });
    await ear.leave();
  });

  test(`${engine}: versions have no holes, each tenant has its own, and what settles nothing has none`, async (t) => {
    const queue = await createQueue(t, engine);
    if (queue === undefined) return;
    await queue.rules({ approvers_required: 2 });
    const tickets = [];
    for (let n = 0; n < 6; n += 1) tickets.push(await queue.parked(parkedCall({ tool: `t${n}` })));
    assert.equal((await toldAfter(queue, 0)).version, 0);
    const all = tickets.map(({ pending_id }) => queue.decide(pending_id, "approve", ANN));
    await Promise.all(all);
    assert.equal((await toldAfter(queue, 0)).version, 0);
    await Promise.all(tickets.map(({ pending_id }) => queue.decide(pending_id, "approve", BOB)));
    await Promise.all(tickets.map((ticket, n) => queue.claim(ticket, `event-${n}`)));
    const { version, decided } = await toldAfter(queue, 0);
    assert.deepEqual([version, decided.length], [12, 6]);
    assert.deepEqual(
      (await toldAfter(queue, 11)).decided.map(([, status]) => status),
      ["used"],
    );
    assert.deepEqual(await toldAfter(queue, 0, "beta"), { decided: [], version: 0 });
  });

  test(`${engine}: a newcomer is told what may be used and what was settled while somebody may still wait for it`, async (t) => {
    const queue = await createQueue(t, engine);
    if (queue === undefined) return;
    const { clock } = queue.plane;
    await queue.rules({ use_seconds: 7_200, pending_seconds: 3_600 });
    const park = async (tool: string) => (await queue.parked(parkedCall({ tool }))).pending_id;
    const [approved, rejected] = [await park("a"), await park("b")];
    await queue.decide(approved, "approve");
    await queue.decide(rejected, "reject");
    assert.deepEqual((await toldAfter(queue, 0)).decided, [
      [approved, "approved"],
      [rejected, "rejected"],
    ]);
    clock.advance(60 * MINUTE);
    assert.deepEqual(await toldAfter(queue, 0), { decided: [[approved, "approved"]], version: 2 });
    clock.advance(60 * MINUTE);
    assert.deepEqual(await toldAfter(queue, 0), { decided: [], version: 2 });
  });
}

test("what was decided comes in parts of bounded size", async (t) => {
  const queue = await createQueue(t, "embedded");
  if (queue === undefined) return;
  const { pending_id } = await queue.parked();
  const count = DECISIONS_PER_STATE + 50;
  await queue.plane.units.commit(queue.plane.actor, async ({ executor }) => {
    const one = await findApproval(executor, { tenant: "acme", id: pending_id });
    assert.ok(one !== undefined);
    const settled = { ...one, status: "rejected" as const, argumentsText: "{}" };
    await executor
      .insert(approvals)
      .values(Array.from({ length: count }, (_, n) => ({ ...settled, id: `approval-${n}`, version: n + 1 })));
    await updateRegister(executor, "acme", count);
  });
  const first = await toldAfter(queue, 0);
  assert.deepEqual([first.decided.length, first.version], [DECISIONS_PER_STATE, DECISIONS_PER_STATE]);
  const second = await toldAfter(queue, first.version);
  assert.deepEqual([second.decided.length, second.version], [50, count]);
});
