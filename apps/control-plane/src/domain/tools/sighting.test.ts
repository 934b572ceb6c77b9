import assert from "node:assert/strict";
import { test } from "node:test";
import { PinMode, ToolStatus } from "@postern/contracts";
import type { Tool } from "./model.ts";
import { digestOf, sightingOf } from "./sighting.fixture.ts";
import { afterSighting, holdingReason, readSighting } from "./sighting.ts";

const [old, other] = ["1".repeat(64), "2".repeat(64)];
const tool: Tool = {
  ...{ tenant: "acme", id: "t", upstream: "files", name: "read", status: "pinned", reason: "pin.unapproved" },
  ...{ digests: [old], candidate: null, flags: [], explicit: false, since: 1, version: 1 },
  ...{ firstSeenAt: new Date(0), lastSeenAt: new Date(0), seenBy: "s" },
  ...{ decidedBy: "", decidedAt: null, decisionReason: "" },
};

test("a definition that was never seen is trusted in no mode but trust_first and off, and there only when nothing is odd", () => {
  for (const mode of PinMode.options) {
    for (const isShadowed of [false, true]) {
      for (const flags of [[], ["unusual_name"], ["invisible_unicode"], ["too_large"]] as const) {
        const isOdd = flags.some((flag) => flag !== "unusual_name");
        const held = isShadowed
          ? "pin.shadowed"
          : mode === "approve_all" || isOdd
            ? "pin.unapproved"
            : undefined;
        assert.equal(holdingReason({ mode, isShadowed }, flags), held, `${mode} ${isShadowed} ${flags}`);
      }
    }
  }
});

test("a different definition is never trusted, and one that is known changes nothing", () => {
  for (const status of ToolStatus.options) {
    const known = { ...tool, status };
    assert.equal(afterSighting(known, { digest: old, definition: "{}", flags: [] }), undefined);
    assert.equal(
      afterSighting({ ...known, candidate: other }, { digest: other, definition: "{}", flags: [] }),
      undefined,
    );
    const next = afterSighting(known, { digest: other, definition: "{}", flags: ["too_large"] });
    assert.equal(next?.status, status === "blocked" ? "blocked" : "quarantined");
    assert.equal(next?.reason, status === "pinned" ? "pin.changed" : "pin.unapproved");
    assert.deepEqual([next?.candidate, next?.digests, next?.flags], [other, [old], ["too_large"]]);
  }
});

test("a sighting that contradicts itself is not read", () => {
  const honest = sightingOf("files", {
    name: "read",
    description: "Reads.",
    inputSchema: { type: "object" },
  });
  assert.equal(readSighting(honest)?.digest, honest.digest);
  assert.equal(readSighting({ ...honest, digest: other }), undefined);
  assert.equal(readSighting({ ...honest, tool: "write" }), undefined);
  const deep = { name: "read", x: JSON.parse(`${"[".repeat(70)}${"]".repeat(70)}`) };
  assert.equal(readSighting({ ...honest, definition: deep }), undefined);
  assert.equal(readSighting({ ...honest, definition: { name: "read", description: "\ud800" } }), undefined);
  assert.equal(
    readSighting({ ...honest, definition: { name: "read", x: Number.POSITIVE_INFINITY } }),
    undefined,
  );
});

test("of a definition that is too large the digest is kept, and the flag says so", () => {
  const large = sightingOf("files", { name: "read", description: "é".repeat(40_000) });
  assert.deepEqual(readSighting(large), { digest: large.digest, definition: null, flags: ["too_large"] });
  const { definition: _, ...bare } = large;
  assert.deepEqual(readSighting(bare), { digest: large.digest, definition: null, flags: ["too_large"] });
});

test("everything in a definition counts but how it may be run", () => {
  const base = { name: "read", title: "Read", description: "d", inputSchema: { type: "object" } };
  const changes = [
    { title: "Write" },
    { description: "d " },
    { inputSchema: { type: "object", properties: { path: { description: "x" } } } },
    { inputSchema: { type: "object", properties: { path: { "x-mcp-header": "Path" } } } },
    { outputSchema: { type: "object" } },
    { annotations: { readOnlyHint: true } },
    { icons: [{ src: "https://example.com/a.png" }] },
    { _meta: { ui: "x" } },
    { surprise: 1 },
  ];
  const digests = changes.map((change) => digestOf({ ...base, ...change }));
  assert.equal(new Set([digestOf(base), ...digests]).size, changes.length + 1);
  assert.equal(digestOf({ ...base, execution: { taskSupport: "forbidden" } }), digestOf(base));
  assert.equal(
    digestOf({ inputSchema: { type: "object" }, description: "d", title: "Read", name: "read" }),
    digestOf(base),
  );
});
