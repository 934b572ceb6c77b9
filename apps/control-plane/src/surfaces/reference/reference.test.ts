import assert from "node:assert/strict";
import { test } from "node:test";
import { Hono } from "hono";
import { mountReference } from "./reference.ts";

const app = new Hono();
mountReference(app);

test("the page for people loads files of ours only, and shows our own document", async () => {
  const page = await app.request("/docs/");
  assert.equal(page.status, 200);
  const html = await page.text();
  const named = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, name = ""]) => name);
  assert.deepEqual(named, ["swagger-ui.css", "swagger-ui-bundle.js", "reference.js"]);
  for (const name of named) assert.equal((await app.request(`/docs/${name}`)).status, 200, name);
  assert.match(await (await app.request("/docs/reference.js")).text(), /url: "\.\.\/openapi\.json"/);
  assert.match(page.headers.get("content-security-policy") ?? "", /script-src 'self';/);
});

test("nothing else of the library is served", async () => {
  for (const path of ["package.json", "swagger-initializer.js", "../console/", "%2e%2e/package.json"])
    assert.equal((await app.request(`/docs/${path}`)).status, 404, path);
});
