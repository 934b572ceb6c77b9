// docs/api.md is true: its program runs against a real control plane, and says what it should.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createAdminClient } from "@postern/client";
import { defer, repositoryRoot } from "@postern/testkit";
import { SUPERADMIN, testPlane } from "../control-plane.fixture.ts";
import { listen } from "../listener.ts";

test("the program on the page of the interface runs as it stands", async (t) => {
  const page = readFileSync(join(repositoryRoot, "docs", "api.md"), "utf8");
  const [, imported = "", program = ""] = /```js\n(import .*;\n)([\s\S]*?)```/.exec(page) ?? [];
  assert.equal(imported, 'import { createAdminClient } from "@postern/client";\n');
  const plane = await testPlane(t, "embedded");
  assert.ok(plane !== undefined);
  const { url, close } = await listen(plane.app, { host: "127.0.0.1", port: 0 });
  defer(t, () => close(0));
  const said: unknown[][] = [];
  const console = { log: (...words: unknown[]) => said.push(words) };
  const names = ["createAdminClient", "url", "token", "console"];
  const run = new Function(...names, `return (async () => {${program}})();`);
  await run(createAdminClient, url, SUPERADMIN, console);
  const [revocation] = (await plane.request("GET", "/v1/admin/revocations")).json.items;
  assert.deepEqual(said, [[revocation.jti, "rotation"]]);
});
