import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { welcomeText } from "./welcome.ts";

const connection = {
  mcp_url: "http://127.0.0.1:8081/v1/mcp",
  tool_call_url: "http://127.0.0.1:8081/v1/tool-call",
  admin_url: "http://127.0.0.1:8080",
  admin_token: "admin-secret",
  capability_token: "v4.public.TOKEN",
  tenant: "demo",
  data_dir: "/data",
};
const page = welcomeText(connection);

test("the start page fits on a screen, and shows the token once and the admin's never", () => {
  assert.ok(page.split("\n").length <= 32);
  assert.equal(page.split(connection.capability_token).length, 2);
  assert.ok(!page.includes(connection.admin_token));
  for (const next of ["npm run postern -- --help", "docs/quickstart.md"]) assert.ok(page.includes(next));
});

test("what the start page gives to paste can be pasted as it is", () => {
  const configuration = JSON.parse(page.slice(page.indexOf("{"), page.indexOf("\n}\n") + 2));
  assert.deepEqual(configuration.mcpServers.everything.headers, { Authorization: "Bearer v4.public.TOKEN" });
  const lines = page.split("\n").filter((line) => line.startsWith("curl "));
  assert.equal(lines.length, 3);
  for (const line of lines) {
    const { stdout } = spawnSync("sh", ["-c", `curl() { for word; do echo "$word"; done; }\n${line}`], {
      encoding: "utf8",
    });
    const words = stdout.split("\n");
    assert.ok(words.includes("@/data/authorization.header"));
    assert.equal(JSON.parse(words[words.indexOf("-d") + 1] ?? "").method, "tools/call");
  }
});
