// postern tools against a scripted control plane.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { TestScope } from "@postern/testkit";
import { controlPlane } from "./control-plane.fixture.ts";
import { visible } from "./visible-text.ts";

const [old, next] = ["0".repeat(64), "1".repeat(64)];
const tool = {
  ...{
    id: "t1",
    tenant: "acme",
    upstream: "files",
    name: "read",
    status: "quarantined",
    held_by: "pin.changed",
  },
  ...{ approved_digests: [old], waiting_digest: next, flags: ["invisible_unicode"] },
};
const odd = { ...tool, id: "t2", name: "re\u200bad", flags: [] };
const detail = {
  ...tool,
  approved: { name: "read", description: "Reads." },
  waiting: { name: "read", description: "Reads.\u202e\u001b[2J" },
  differences: [{ pointer: "/description", before: "Reads.", after: "Reads.\u202e\u001b[2J" }],
  differences_whole: true,
};

async function inventory(t: TestScope) {
  const { run, json, seen } = await controlPlane(t, (line, body) => {
    if (line.includes("/approve") && !body.includes(next))
      return [409, { error: "The definition has changed meanwhile.", code: "tools.changed" }];
    if (line.includes("/mode")) return [200, { tenant: "acme", mode: "approve_all" }];
    if (/tools\/t\d/.test(line)) return [200, detail];
    if (line.includes("cursor=more")) return [200, { items: [odd] }];
    return [200, { items: [tool], next_cursor: "more" }];
  });
  const inAcme = ["--tenant", "acme"];
  return {
    seen,
    run: (...args: string[]) => run(...args, ...inAcme),
    json: (...args: string[]) => json(...args, ...inAcme),
  };
}

test("tools lists every page, and writes out what nobody would see", async (t) => {
  const { run, json, seen } = await inventory(t);
  const { code, stdout } = await run("tools", "--status", "quarantined", "--upstream", "files");
  assert.equal(code, 0);
  assert.match(stdout, /files\/read +quarantined +pin\.changed +invisible_unicode +111111111111\n/);
  assert.ok(stdout.includes("files/re\\u{200b}ad"));
  assert.match(
    seen[0] ?? "",
    /^GET \/v1\/admin\/tools\?tenant=acme&upstream=files&status=quarantined&limit=1000$/,
  );
  assert.deepEqual((await json("tools")).json, [tool, odd]);
  assert.equal((await run("tools", "--status", "odd")).code, 2);
});

test("tools diff shows what changed, and no terminal obeys it", async (t) => {
  const { run, json, seen } = await inventory(t);
  const { code, stdout } = await run("tools", "diff", "files/read");
  assert.equal(code, 0);
  assert.ok(stdout.includes(`approved  ${old}\nwaiting   ${next}`));
  assert.ok(stdout.includes('/description\n  - "Reads."\n  + "Reads.\\u{202e}\\u001b[2J"'), stdout);
  assert.deepEqual((await json("tools", "diff", "files/read")).json, detail);
  await run("tools", "diff", "files/re\\u{200b}ad");
  assert.match(seen.at(-1) ?? "", /\/tools\/t2\?/);
  assert.equal((await run("tools", "diff", "files/none")).code, 2);
  for (const name of ["read", "/read", "files/", ""])
    assert.equal((await run("tools", "diff", name)).code, 2);
});

test("tools approve names the definition by its digest, and is refused when another one waits by then", async (t) => {
  const { run, seen } = await inventory(t);
  assert.equal((await run("tools", "approve", "files/read")).code, 2);
  const done = await run("tools", "approve", "files/read", "--digest", next, "--reason", "read", "--keep");
  assert.equal(done.code, 0, done.stderr);
  assert.equal(
    seen.at(-1),
    `POST /v1/admin/tools/t1/approve?tenant=acme {"digest":"${next}","reason":"read","keep":true}`,
  );
  const late = await run("tools", "approve", "files/read", "--digest", old);
  assert.deepEqual([late.code, /has changed meanwhile/.test(late.stderr)], [2, true]);
});

test("tools quarantine and tools mode say what they did", async (t) => {
  const { run, seen } = await inventory(t);
  const out = await run("tools", "quarantine", "files/read", "--reason", "odd");
  assert.match(out.stdout, /^files\/read is out of use/);
  assert.equal(seen.at(-1), 'POST /v1/admin/tools/t1/quarantine?tenant=acme {"reason":"odd"}');
  assert.equal((await run("tools", "mode")).stdout, "acme: approve_all\n");
  assert.equal((await run("tools", "mode", "approve_all")).code, 0);
  assert.equal(seen.at(-1), 'PUT /v1/admin/tools/mode {"tenant":"acme","mode":"approve_all"}');
  assert.equal((await run("tools", "mode", "everything")).code, 2);
});

test("visible text shows letters of every script and hides nothing", () => {
  assert.equal(visible("Größe 日本語 naïve ✓"), "Größe 日本語 naïve ✓");
  assert.equal(
    visible("a\u200b\u202e\u001b\u{e0041}\ue000\n\u00a0"),
    "a\\u{200b}\\u{202e}\\u{1b}\\u{e0041}\\u{e000}\\u{a}\\u{a0}",
  );
});
