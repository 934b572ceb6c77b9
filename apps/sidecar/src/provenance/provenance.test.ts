// Memories at the sidecar: a key is asked for once for each token, and what cannot be verified goes no further.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Capability } from "@postern/contracts";
import { Fault } from "@postern/fault";
import { signMemories } from "@postern/intent";
import { silentLogger } from "@postern/telemetry";
import { fixedClock } from "@postern/testkit";
import { toolCall } from "../exchange.fixture.ts";
import { createRig } from "../pipeline.fixture.ts";
import { createRequestHeaders } from "../upstream/travelling-headers.ts";
import { createMemoryKeys } from "./memory-keys.ts";
import { createMemoryProvenance } from "./memory-provenance.ts";

const KEY = Buffer.alloc(32, 7);
const holder = (rootJti: string, jti = rootJti): Capability => ({
  ...{ tenant: "acme", agent: "a", issuer: "postern", jti, rootJti, parentJti: undefined, kid: "k" },
  ...{ issuedAtMs: 0, notBeforeMs: undefined, expiresAtMs: undefined, stepUpAtMs: undefined },
  ...{ hops: [], caveatCount: 0 },
});
const headerOf = (sessionId: string, count = 2, key: Uint8Array = KEY) =>
  signMemories(
    Array.from({ length: count }, (_, index) => ({ id: `m${index}`, ts: index, data: "x" })),
    { key, sessionId },
  );

function rig(options: { isRequired?: boolean; keysMax?: number; underwayMax?: number } = {}) {
  const { isRequired = false, keysMax = 10, underwayMax = 10 } = options;
  const asked: string[] = [];
  const clock = fixedClock();
  const plane = { isThere: true };
  const controlPlane = {
    async memoryKey({ jti }: { jti: string }) {
      asked.push(jti);
      if (!plane.isThere) throw new Fault("unavailable", "client.unreachable", "Nobody answers.");
      if (jti === "unknown") throw new Fault("not_found", "capabilities.unknown", "No such token.");
      return { memory_signing_key: KEY.toString("base64url") };
    },
  };
  const keys = createMemoryKeys({ controlPlane, clock, log: silentLogger }, { keysMax, underwayMax });
  const memory = createMemoryProvenance({ keys, isRequired });
  const codeOf = async (of: Capability, header: string | undefined, isTool = true) =>
    (await memory.refusalOf(of, { header, isTool }))?.code;
  return { asked, clock, plane, memory, codeOf };
}

test("memories written under the token pass, its key is asked for once, and then verified at once", async () => {
  const { asked, codeOf, memory } = rig();
  const both = [codeOf(holder("root"), headerOf("root")), codeOf(holder("root", "block"), headerOf("root"))];
  assert.deepEqual(await Promise.all(both), [undefined, undefined]);
  assert.equal(memory.refusalOf(holder("root"), { header: headerOf("root"), isTool: true }), undefined);
  assert.deepEqual(asked, ["root"]);
});

test("memories of another token, of another key or of no form are refused, and say why", async () => {
  const { codeOf, memory } = rig();
  const other = Buffer.alloc(32, 8);
  for (const header of [headerOf("block"), headerOf("root", 2, other), "nonsense", "", "A".repeat(16_385)]) {
    assert.equal(await codeOf(holder("root", "block"), header), "intent.provenance", header.slice(0, 20));
  }
  const refusal = await memory.refusalOf(holder("root"), {
    header: headerOf("root", 1, other),
    isTool: true,
  });
  assert.match(refusal?.detail ?? "", /does not verify\. Entry 0 has a signature that does not verify\./);
});

test("none is none to doubt, unless a tool must have some", async () => {
  assert.equal(await rig().codeOf(holder("root"), undefined), undefined);
  assert.equal(await rig().codeOf(holder("root"), headerOf("root", 0)), undefined);
  const { asked, codeOf } = rig({ isRequired: true });
  assert.equal(await codeOf(holder("root"), undefined), "intent.provenance");
  assert.equal(await codeOf(holder("root"), undefined, false), undefined);
  assert.deepEqual(asked, []);
  assert.equal(await codeOf(holder("root"), headerOf("root", 0)), "intent.provenance");
  assert.equal(await codeOf(holder("root"), headerOf("root", 1)), undefined);
});

test("without the key nothing passes, and the control plane is asked again only after a while", async () => {
  const { asked, clock, plane, codeOf } = rig();
  plane.isThere = false;
  const call = () => codeOf(holder("root"), headerOf("root"));
  assert.deepEqual([await call(), await call(), await call()], Array(3).fill("intent.unavailable"));
  assert.equal(asked.length, 1);
  plane.isThere = true;
  clock.advance(1_000);
  assert.equal(await call(), undefined);
  assert.equal(asked.length, 2);
  assert.equal(await codeOf(holder("unknown"), headerOf("unknown")), "intent.unavailable");
});

test("keys that are kept and questions under way are bounded", async () => {
  const { asked, codeOf } = rig({ keysMax: 2, underwayMax: 2 });
  const call = (root: string) => codeOf(holder(root), headerOf(root));
  const answers = await Promise.all(["a", "b", "c"].map(call));
  assert.deepEqual(answers, [undefined, undefined, "intent.unavailable"]);
  await call("c");
  await call("b");
  await call("a");
  assert.deepEqual(asked, ["a", "b", "c", "a"]);
});

test("the header reaches the judge and never travels on", async (t) => {
  const shown: (string | undefined)[] = [];
  const { judge: scripted } = (await createRig(t)).ports;
  const judge: typeof scripted = {
    ...scripted,
    decide(call, known) {
      shown.push(call.memoryProvenance);
      return scripted.decide(call, known);
    },
  };
  const { send, forwarded } = await createRig(t, { judge });
  const header = headerOf("root");
  await send(toolCall("echo"), { headers: { "x-intent-memory-provenance": header } });
  await send(toolCall("echo"));
  assert.deepEqual(shown, [header, undefined]);
  const sent = createRequestHeaders()(forwarded[0] ?? assert.fail());
  assert.ok(!sent.some((text) => text.toLowerCase().includes("provenance") || text === header));
});
