// The description of the interface: a valid OpenAPI document that says what the service does.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import { testPlane } from "../control-plane.fixture.ts";
import { VERSION } from "../version.ts";
import { ADMIN_ROWS, FLEET_ROWS } from "./rows.fixture.ts";

test("the interface describes itself in valid OpenAPI, and the description names every row", async (t) => {
  const plane = await testPlane(t, "embedded");
  if (plane === undefined) return;
  const { json: document } = await plane.request("GET", "/openapi.json");
  const { valid, errors } = await new Validator().validate(structuredClone(document));
  assert.ok(valid, JSON.stringify(errors, null, 2));
  assert.equal(document.openapi, "3.1.1");
  assert.equal(document.info.version, VERSION);
  assert.deepEqual(document.servers, [{ url: "/" }]);
  assert.deepEqual(Object.keys(document.components.securitySchemes), ["admin", "login", "fleet"]);
  for (const row of [...ADMIN_ROWS, ...FLEET_ROWS]) {
    assert.equal(document.paths[row.path]?.[row.method.toLowerCase()]?.operationId, row.id);
  }
  const exported = document.paths["/v1/admin/audit/export"].get.responses[200].content;
  const entries = { type: "array", items: { $ref: "#/components/schemas/ChainEntry" } };
  assert.deepEqual(exported["application/json"].schema, entries);
  assert.match(exported["text/csv; charset=utf-8"].schema.description, /ts,event,.*index,prev_hash,hash/);
});

test("no whole number in the description may be negative", async (t) => {
  const plane = await testPlane(t, "embedded");
  if (plane === undefined) return;
  const { json: document } = await plane.request("GET", "/openapi.json");
  const negative: string[] = [];
  const visit = (node: unknown, path: string): void => {
    if (typeof node !== "object" || node === null) return;
    if ("type" in node && node.type === "integer" && !("minimum" in node && Number(node.minimum) >= 0))
      negative.push(path);
    for (const [key, inner] of Object.entries(node)) visit(inner, `${path}/${key}`);
  };
  visit(document, "");
  assert.deepEqual(negative, []);
});
