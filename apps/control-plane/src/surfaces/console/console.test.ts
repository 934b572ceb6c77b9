import assert from "node:assert/strict";
import { test } from "node:test";
import { Hono } from "hono";
import { mountConsole } from "./console.ts";

const app = new Hono();
mountConsole(app);
const get = (path: string, headers: Record<string, string> = {}) => app.request(path, { headers });

test("a browser is led to the console, and nobody else is", async () => {
  const browser = await get("/", { accept: "text/html,*/*" });
  assert.deepEqual([browser.status, browser.headers.get("location")], [302, "/console/"]);
  assert.equal((await get("/", { accept: "application/json" })).status, 404);
  assert.equal((await get("/console")).headers.get("location"), "/console/");
});

test("every file is sent under the strict policy, with its type, and only once", async () => {
  for (const [path, mediaType] of [
    ["/console/", "text/html; charset=utf-8"],
    ["/console/main.ts", "text/javascript; charset=utf-8"],
    ["/console/screens/events.ts", "text/javascript; charset=utf-8"],
    ["/console/console.css", "text/css; charset=utf-8"],
    ["/console/mark.svg", "image/svg+xml"],
  ] as const) {
    const answer = await get(path);
    assert.equal(answer.status, 200, path);
    assert.equal(answer.headers.get("content-type"), mediaType);
    assert.equal(answer.headers.get("x-content-type-options"), "nosniff");
    assert.equal(answer.headers.get("referrer-policy"), "no-referrer");
    const policy = answer.headers.get("content-security-policy") ?? "";
    assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';/);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.doesNotMatch(policy, /unsafe|\*|https?:/);
    const etag = answer.headers.get("etag") ?? "";
    const again = await get(path, { "if-none-match": `"other", ${etag}` });
    assert.deepEqual([again.status, await again.text()], [304, ""]);
    assert.equal((await get(path, { "if-none-match": '"other"' })).status, 200);
  }
});

for (const path of [
  "/console/../package.json",
  "/console/..%2fpackage.json",
  "/console/%2e%2e/tsconfig.json",
  "/console/....//package.json",
  "/console//main.ts",
  "/console/main.ts/",
  "/console/screens",
  "/console/format.test.ts",
  "/console/event.fixture.ts",
  "/console/__proto__",
  "/console/C:%5cmain.ts",
  "/console/main.ts%00.css",
])
  test(`there is nothing at ${path}`, async () => assert.equal((await get(path)).status, 404));

test("the page runs with what is served, and nothing else", async () => {
  const waiting = ["/console/main.ts"];
  for (const path of waiting) {
    const code = await (await get(path)).text();
    assert.notEqual(code, "", path);
    for (const [, specifier = ""] of code.matchAll(
      /^(?:import|export)\b[^"]*?from "([^"]+)"|^import "([^"]+)"/gm,
    )) {
      assert.match(specifier, /^\.\.?\//, `${path} imports ${specifier}`);
      const target = new URL(specifier, `http://console${path}`).pathname;
      assert.equal((await get(target)).status, 200, `${path} imports ${specifier}`);
      if (!waiting.includes(target)) waiting.push(target);
    }
    // Each of these would make markup or code out of text.
    assert.doesNotMatch(
      code,
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function/,
      path,
    );
  }
  assert.ok(waiting.length > 20);
});

test("where the console is not installed, the control plane goes without", async () => {
  const bare = new Hono();
  mountConsole(bare, "/nowhere/at/all");
  assert.equal((await bare.request("/console/")).status, 404);
});
