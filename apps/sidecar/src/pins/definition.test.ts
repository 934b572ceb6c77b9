import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { test } from "node:test";
import type { JsonObject } from "@postern/contracts";
import fc from "fast-check";
import { readDefinition, sightingOf } from "./definition.ts";

const tool = { name: "read", description: "Reads.", inputSchema: { type: "object" } };
const digestOf = (definition: JsonObject) => readDefinition(definition)?.seen.digest;

test("the digest means the definition: order does not count, everything else does, but for how it may be run", () => {
  const turned = { inputSchema: { type: "object" }, description: "Reads.", name: "read" };
  assert.equal(digestOf(turned), digestOf(tool));
  assert.equal(digestOf({ ...tool, execution: { taskSupport: "optional" } }), digestOf(tool));
  for (const change of [{ description: "Reads. " }, { _meta: { a: 1 } }, { annotations: {} }, { title: "" }])
    assert.notEqual(digestOf({ ...tool, ...change }), digestOf(tool), JSON.stringify(change));
});

test("the digest is SHA-256 of the canonical form of RFC 8785", () => {
  const expected = hash("sha256", '{"n":1e+21,"name":"é","x":[true,null]}', "hex");
  assert.equal(digestOf({ name: "é", x: [true, null], n: 1e21 }), expected);
});

test("what hides something, or is too large to be read, is suspicious", () => {
  const cases: readonly [definition: JsonObject, suspicious: boolean][] = [
    [tool, false],
    [{ ...tool, description: "Liest die Größe. 日本語 👩‍👩‍👧 ❤️" }, false],
    [{ ...tool, name: "lire été" }, false],
    [{ ...tool, description: "Reads.\u200b" }, true],
    [{ ...tool, description: "\u202eReads." }, true],
    [{ ...tool, description: "Reads.\u{e0049}\u{e0067}" }, true],
    [{ ...tool, description: "a\ufe01\ufe02" }, true],
    [{ ...tool, inputSchema: { properties: { "pa\u2060th": {} } } }, true],
    [{ ...tool, inputSchema: { enum: ["\ue000"] } }, true],
    [{ ...tool, _meta: { note: "\u00ad" } }, true],
    [{ ...tool, name: "read\u200d" }, true],
    [{ ...tool, name: " read" }, true],
    [{ ...tool, description: "x".repeat(70_000) }, true],
  ];
  for (const [definition, suspicious] of cases)
    assert.equal(
      readDefinition(definition)?.seen.suspicious,
      suspicious,
      JSON.stringify(definition).slice(0, 80),
    );
});

test("what has no name of a tool is nothing, and what has no canonical form has no digest", () => {
  for (const name of [undefined, 1, "", "a\u0000", "a\nb", "\ud800", "x".repeat(257)])
    assert.equal(readDefinition({ ...tool, name } as JsonObject), undefined);
  const deep: JsonObject = JSON.parse(`${'{"x":'.repeat(70)}1${"}".repeat(70)}`);
  for (const part of [{ description: "\udc00" }, { n: Number.POSITIVE_INFINITY }, { deep }]) {
    const definition = readDefinition({ ...tool, ...part });
    assert.deepEqual(definition?.seen, { digest: "", suspicious: true });
    assert.equal(definition && sightingOf("files", definition), undefined);
  }
});

test("a definition that is too large is told by its digest alone", () => {
  const large = readDefinition({ ...tool, description: "x".repeat(70_000) });
  assert.ok(large !== undefined);
  assert.deepEqual(Object.keys(sightingOf("files", large) ?? {}), ["upstream", "tool", "digest"]);
});

test("no tool object brings trouble", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.string({ unit: "binary" }), (object, name) => {
      const definition = readDefinition({ ...object, name } as JsonObject);
      if (definition !== undefined) sightingOf("files", definition);
    }),
  );
});
