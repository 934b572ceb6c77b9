import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { vectors } from "@postern/testkit";
import { verifyConsistency, verifyInclusion } from "./verify-proof.ts";

interface InclusionCase {
  leafIdx: number;
  treeSize: number;
  root: string;
  leafHash: string;
  proof: string[] | null;
  wantErr: boolean;
}

interface ConsistencyCase {
  size1: number;
  size2: number;
  root1: string;
  root2: string;
  proof: string[] | null;
  wantErr: boolean;
}

const folder = vectors("rfc6962");
const bytes = (text: string) => Buffer.from(text, "base64");

function casesOf(kind: string): [name: string, text: string][] {
  const top = join(folder ?? "", "testdata", kind);
  const names = readdirSync(top, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".json"),
  );
  return names.map((name) => [name, readFileSync(join(top, name), "utf8")]);
}

test("the official RFC 6962 inclusion vectors are judged as they say", (t) => {
  if (folder === undefined) return t.skip("official vectors not found: rfc6962");
  const cases = casesOf("inclusion");
  assert.ok(cases.length >= 90, `${cases.length}`);
  for (const [name, text] of cases) {
    const c = JSON.parse(text) as InclusionCase;
    const claim = { index: c.leafIdx, size: c.treeSize, leafHash: bytes(c.leafHash), root: bytes(c.root) };
    assert.equal(verifyInclusion(claim, (c.proof ?? []).map(bytes)), !c.wantErr, name);
  }
});

test("the official RFC 6962 consistency vectors are judged as they say", (t) => {
  if (folder === undefined) return t.skip("official vectors not found: rfc6962");
  const cases = casesOf("consistency");
  assert.ok(cases.length >= 90, `${cases.length}`);
  for (const [name, text] of cases) {
    const c = JSON.parse(text) as ConsistencyCase;
    const claim = { oldSize: c.size1, size: c.size2, oldRoot: bytes(c.root1), root: bytes(c.root2) };
    assert.equal(verifyConsistency(claim, (c.proof ?? []).map(bytes)), !c.wantErr, name);
  }
});
