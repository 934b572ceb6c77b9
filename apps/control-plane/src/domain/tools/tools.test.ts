// The inventory over the two doors: what sidecars tell, what administrators decide, and what every sidecar then hears.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type JsonObject, PINS_PER_STATE, type ToolPin } from "@postern/contracts";
import {
  ACME,
  BETA,
  ENGINES,
  type Engine,
  type TestAnswer,
  type TestPlane,
  testPlane,
} from "../../control-plane.fixture.ts";
import { createTools } from "./service.ts";
import { sightingOf } from "./sighting.fixture.ts";

const read = { name: "read", description: "Reads a file.", inputSchema: { type: "object" } };
const changed = { ...read, description: "Reads a file, and tells somebody." };

async function createRig(t: TestContext, engine: Engine) {
  const plane = await testPlane(t, engine);
  if (plane === undefined) return undefined;
  const sidecar = async (tenant = "acme") =>
    (await plane.request("POST", "/v1/admin/sidecars", { body: { tenant } })).json.credential as string;
  const first = await sidecar();
  const report = (tools: object[], { token = first, upstreams = ["files", "mail"] } = {}) =>
    plane.request("POST", "/v1/sidecar/tools", { token, body: { upstreams, tools } });
  return {
    plane,
    sidecar,
    report,
    tell: (definition: JsonObject & { name: string }, upstream = "files") =>
      report([sightingOf(upstream, definition)]),
    list: async (query = "") =>
      (await plane.request("GET", `/v1/admin/tools${query}`, { token: ACME })).json.items,
    async one(name = "read", upstream = "files") {
      const { json } = await plane.request("GET", `/v1/admin/tools?upstream=${upstream}`, { token: ACME });
      const { id } = json.items.find((each: { name: string }) => each.name === name);
      return (await plane.request("GET", `/v1/admin/tools/${id}`, { token: ACME })).json;
    },
    decide: (id: string, act: string, body: object, token = ACME) =>
      plane.request("POST", `/v1/admin/tools/${id}/${act}`, { token, body }),
    mode: (mode: string) => plane.request("PUT", "/v1/admin/tools/mode", { token: ACME, body: { mode } }),
    pins: (after = 0) => pinsAfter(plane, "acme", after),
    async acts(): Promise<string[]> {
      const { json } = await plane.request("GET", "/v1/admin/audit?limit=1000", { token: ACME });
      const tools: string[] = json.items.map(({ tool }: { tool: string }) => tool);
      return tools.filter((tool) => /tool/.test(tool)).reverse();
    },
  };
}

async function pinsAfter(plane: TestPlane, tenant: string, after: number) {
  return await plane.units.read(async (db) => {
    const upTo = (await plane.nouns.tools.versions(db, [tenant])).get(tenant) ?? 0;
    return await plane.nouns.tools.pinsAfter(db, { tenant, after, upTo });
  });
}

const shortPin = ({ tool, status, reason, digests, explicit }: ToolPin) => [
  tool,
  status,
  status === "pinned" ? "" : reason,
  digests.length,
  explicit,
];

for (const engine of ENGINES) {
  test(`${engine}: the first definition is pinned, another one waits until a person approves exactly it`, async (t) => {
    const rig = await createRig(t, engine);
    if (rig === undefined) return;
    assert.deepEqual((await rig.tell(read)).json, { refused: [] });
    await rig.tell(read);
    assert.deepEqual((await rig.pins()).pins.map(shortPin), [["read", "pinned", "", 1, false]]);
    assert.equal((await rig.pins()).version, 1);

    await rig.tell(changed);
    const waiting = await rig.one();
    assert.deepEqual([waiting.status, waiting.held_by], ["quarantined", "pin.changed"]);
    assert.deepEqual(waiting.differences, [
      { pointer: "/description", before: read.description, after: changed.description },
    ]);
    assert.deepEqual([waiting.approved, waiting.waiting], [read, changed]);

    // It changes once more while the person reads.
    const later = { ...changed, description: "Deletes a file." };
    await rig.tell(later);
    const late = await rig.decide(waiting.id, "approve", { digest: waiting.waiting_digest });
    assert.deepEqual([late.status, late.json.code], [409, "tools.changed"]);
    const { waiting_digest: digest } = await rig.one();
    const approved = await rig.decide(waiting.id, "approve", { digest, reason: "read and understood" });
    assert.equal(approved.status, 200, approved.text);
    assert.deepEqual(
      [
        approved.json.status,
        approved.json.approved_digests,
        approved.json.waiting_digest,
        approved.json.decided_by,
      ],
      ["pinned", [digest], undefined, "tenant-admin:acme"],
    );
    assert.deepEqual((await rig.pins()).pins.map(shortPin), [["read", "pinned", "", 1, true]]);
    assert.deepEqual(await rig.acts(), [
      "admin/pin_tool",
      "admin/quarantine_tool",
      "admin/quarantine_tool",
      "admin/approve_tool",
    ]);
    // What was approved before is a change again.
    await rig.tell(read);
    assert.equal((await rig.one()).held_by, "pin.changed");
  });

  test(`${engine}: what waits can be turned down, and two definitions can be approved side by side`, async (t) => {
    const rig = await createRig(t, engine);
    if (rig === undefined) return;
    await rig.tell(read);
    await rig.tell(changed);
    const { id, approved_digests, waiting_digest } = await rig.one();
    const kept = await rig.decide(id, "approve", { digest: approved_digests[0] });
    assert.deepEqual([kept.json.status, kept.json.approved_digests], ["pinned", approved_digests]);
    await rig.tell(changed);
    const both = await rig.decide(id, "approve", { digest: waiting_digest, keep: true });
    assert.deepEqual(both.json.approved_digests, [approved_digests[0], waiting_digest]);
    for (const definition of [read, changed]) await rig.tell(definition);
    assert.equal((await rig.one()).status, "pinned");
    for (let at = 0; at < 3; at += 1) {
      await rig.tell({ ...read, title: String(at) });
      const { waiting_digest: digest } = await rig.one();
      const answered: TestAnswer = await rig.decide(id, "approve", { digest, keep: true });
      const told = [answered.status, answered.json.code];
      assert.deepEqual(told, at < 2 ? [200, undefined] : [409, "tools.too_many"]);
    }
  });

  test(`${engine}: what a person takes out of use stays out until it is approved again`, async (t) => {
    const rig = await createRig(t, engine);
    if (rig === undefined) return;
    await rig.tell(read);
    const { id, approved_digests } = await rig.one();
    const blocked = await rig.decide(id, "quarantine", { reason: "odd" });
    assert.deepEqual([blocked.json.status, blocked.json.decision_reason], ["blocked", "odd"]);
    await rig.tell(read);
    await rig.tell(changed);
    assert.deepEqual((await rig.pins()).pins.map(shortPin), [
      ["read", "blocked", "pin.unapproved", 1, false],
    ]);
    const back = await rig.decide(id, "approve", { digest: approved_digests[0] });
    assert.equal(back.json.status, "pinned");
    assert.deepEqual(await rig.acts(), [
      "admin/pin_tool",
      "admin/block_tool",
      "admin/quarantine_tool",
      "admin/approve_tool",
    ]);
  });

  test(`${engine}: where everything must be approved nothing is pinned by being seen, and what was pinned stays`, async (t) => {
    const rig = await createRig(t, engine);
    if (rig === undefined) return;
    await rig.tell(read);
    assert.equal((await rig.mode("approve_all")).status, 200);
    await rig.tell({ ...read, name: "write" });
    const { mode, pins, version } = await rig.pins();
    assert.deepEqual([mode, version], ["approve_all", 3]);
    assert.deepEqual(pins.map(shortPin), [
      ["read", "pinned", "", 1, false],
      ["write", "quarantined", "pin.unapproved", 0, false],
    ]);
    assert.deepEqual((await rig.pins(3)).pins, []);
    assert.equal((await rig.mode("everything")).status, 400);
  });

  test(`${engine}: what hides characters, or has the name of another upstream's tool, waits for a person`, async (t) => {
    const rig = await createRig(t, engine);
    if (rig === undefined) return;
    await rig.tell({ ...read, description: "Reads.\u{e0049}\u{e0067}" });
    await rig.tell({ ...read, name: "re\u200bad" });
    await rig.tell({ ...read, name: "send" }, "mail");
    await rig.tell({ ...read, name: "send", description: "Mine." });
    await rig.tell({ ...read, name: "lire été" });
    const told = (await rig.list()).map((each: Record<string, unknown>) => [
      ...[each.name, each.upstream, each.held_by, each.flags],
    ]);
    assert.deepEqual(told, [
      ["lire été", "files", undefined, ["unusual_name"]],
      ["read", "files", "pin.unapproved", ["invisible_unicode"]],
      ["re\u200bad", "files", "pin.unapproved", ["invisible_unicode", "unprintable_name", "unusual_name"]],
      ["send", "files", "pin.shadowed", []],
      ["send", "mail", undefined, []],
    ]);
    const { id, waiting_digest: digest } = await rig.one("send");
    assert.equal((await rig.decide(id, "approve", { digest })).json.approved_by_person, true);
  });

  test(`${engine}: of two sidecars that see two first definitions at once, one comes first`, async (t) => {
    const rig = await createRig(t, engine);
    if (rig === undefined) return;
    const tokens = await Promise.all(Array.from({ length: 4 }, () => rig.sidecar()));
    await Promise.all(
      tokens.map((token, at) => rig.report([sightingOf("files", { ...read, title: String(at) })], { token })),
    );
    const { status, approved_digests, waiting_digest } = await rig.one();
    assert.equal(status, "quarantined");
    assert.equal(approved_digests.length, 1);
    assert.notEqual(waiting_digest, approved_digests[0]);
  });

  test(`${engine}: a sidecar tells of its own tenant's tools, and another tenant learns nothing of them`, async (t) => {
    const rig = await createRig(t, engine);
    if (rig === undefined) return;
    await rig.tell(read);
    const { id, approved_digests } = await rig.one();
    const beta = await rig.sidecar("beta");
    await rig.report([sightingOf("files", changed)], { token: beta });
    assert.equal((await rig.one()).status, "pinned");
    assert.deepEqual((await pinsAfter(rig.plane, "beta", 0)).pins.map(shortPin), [
      ["read", "pinned", "", 1, false],
    ]);
    const paths: [string, string, object?][] = [
      ["GET", ""],
      ["POST", "/approve", { digest: approved_digests[0] }],
      ["POST", "/quarantine", {}],
    ];
    for (const [method, act, body] of paths) {
      const options = { token: BETA, ...(body === undefined ? {} : { body }) };
      const foreign = await rig.plane.request(method, `/v1/admin/tools/${id}${act}?tenant=acme`, options);
      const nothing = await rig.plane.request(method, `/v1/admin/tools/nothing${act}`, options);
      assert.deepEqual([foreign.status, foreign.text], [404, nothing.text], act);
    }
    assert.equal((await rig.report([sightingOf("files", read)], { token: ACME })).status, 401);
  });

  test(`${engine}: hostile sightings are refused one by one, and stop nothing else`, async (t) => {
    const rig = await createRig(t, engine);
    if (rig === undefined) return;
    const honest = sightingOf("files", read);
    const foreign = sightingOf("other", { ...read, name: "other" });
    const forged = { ...sightingOf("files", { ...read, name: "forged" }), digest: "0".repeat(64) };
    const nul = sightingOf("files", { ...read, name: "nul", description: "a\u0000b" });
    const answered = await rig.report([foreign, forged, nul, honest]);
    assert.deepEqual(
      [answered.status, answered.json.refused],
      [200, [foreign, forged].map(({ upstream, tool }) => ({ upstream, tool }))],
    );
    assert.equal((await rig.one("nul")).waiting.description, "a\u0000b");
    assert.equal((await rig.one()).status, "pinned");
    const large = await rig.tell({ ...read, name: "large", description: "x".repeat(70_000) });
    assert.deepEqual([large.status, large.json.refused], [200, []]);
    const { flags, waiting, waiting_digest } = await rig.one("large");
    assert.deepEqual([flags, waiting, waiting_digest.length], [["too_large"], undefined, 64]);
    for (const wrong of [
      { ...honest, tool: "a\u0000" },
      { ...honest, tool: "" },
      { ...honest, tool: "x".repeat(257) },
      { ...honest, upstream: "../files" },
      { ...honest, extra: 1 },
    ])
      assert.equal((await rig.report([wrong])).status, 400);
    assert.equal((await rig.report(Array.from({ length: 257 }, () => honest))).status, 400);
    assert.equal(
      (await rig.report([{ ...honest, definition: { name: "x".repeat(5_000_000) } }])).status,
      413,
    );
  });
}

test("an upstream with endless tools fills its own room and no other's, and a tenant the tenant's", async (t) => {
  const plane = await testPlane(t, "embedded");
  assert.ok(plane !== undefined);
  const tools = createTools({ perTenantMax: 60, perUpstreamMax: 40 });
  const upstreams = ["files", "mail", "more"];
  const refusedOf = async (upstream: string, count: number) => {
    const sightings = Array.from({ length: count }, (_, at) => sightingOf(upstream, { name: `t${at}` }));
    const { refused } = await plane.units.commit(plane.actor, (unit) =>
      tools.take(unit, { tenant: "acme", id: "s" }, { upstreams, tools: sightings }),
    );
    return refused.length;
  };
  assert.equal(await refusedOf("files", 50), 10);
  assert.equal(await refusedOf("files", 50), 10);
  assert.equal(await refusedOf("mail", 15), 0);
  assert.equal(await refusedOf("more", 15), 10);
});

test("more tools than fit in one state are told in parts that leave none out", async (t) => {
  const rig = await createRig(t, "embedded");
  if (rig === undefined) return;
  const count = PINS_PER_STATE + 100;
  for (let from = 0; from < count; from += 250) {
    const length = Math.min(250, count - from);
    await rig.report(Array.from({ length }, (_, at) => sightingOf("files", { name: `t${from + at}` })));
  }
  const first = await rig.pins();
  const rest = await rig.pins(first.version);
  assert.deepEqual([first.pins.length, first.version], [PINS_PER_STATE, PINS_PER_STATE]);
  assert.deepEqual([rest.pins.length, rest.version], [100, count]);
  assert.equal(new Set([...first.pins, ...rest.pins].map(({ tool }) => tool)).size, count);
});
