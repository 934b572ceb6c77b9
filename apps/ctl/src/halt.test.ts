// postern halt against a scripted control plane.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { defer, type TestScope } from "@postern/testkit";
import { postern, posternJson } from "./cli.fixture.ts";

const halt = {
  ...{ id: "h1", tenant: "acme", scope: "agent", value: "billing-bot", reason: "wrong amounts", state: "on" },
  ...{ engaged_at: "2026-01-01T00:00:00.000Z", engaged_by: "superadmin" },
};
const { tenant: _, ...global } = { ...halt, id: "h2", scope: "global", value: "", reason: "\u001b[2Jstop" };

async function controlPlane(t: TestScope) {
  const seen: string[] = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    const line = `${request.method} ${request.url}`;
    seen.push(`${line} ${body}`.trim());
    const send = (status: number, answer: object) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(answer));
    if (line.includes("/gone/release"))
      return send(409, { error: "This kill switch is no longer on.", code: "halts.over" });
    if (line.includes("/release")) return response.writeHead(204).end();
    if (request.method === "POST") return send(201, body.includes("global") ? global : halt);
    if (line.includes("cursor=more")) return send(200, { items: [global] });
    return send(200, { items: [halt], next_cursor: "more" });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  defer(t, () => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const flags = ["--url", url, "--token", "secret"];
  return {
    seen,
    run: (...args: string[]) => postern(["halt", ...args, ...flags]),
    json: (...args: string[]) => posternJson(["halt", ...args, ...flags]),
  };
}

test("halt list shows every page, and no terminal obeys a reason", async (t) => {
  const { run, json, seen } = await controlPlane(t);
  const { code, stdout } = await run("list", "--tenant", "acme");
  assert.equal(code, 0);
  assert.match(stdout, /^h1 +acme +agent +billing-bot +on +- +wrong amounts$/m);
  assert.match(stdout, /^h2 +- +global +- +on +- +\\u\{1b\}\[2Jstop$/m);
  assert.equal(seen[0], "GET /v1/admin/kill-switch?tenant=acme&limit=1000");
  assert.deepEqual((await json("list", "--all")).json, [halt, global]);
  assert.match(seen.at(-1) ?? "", /state=all/);
});

test("halt engage names the target, the reason and the end", async (t) => {
  const { run, json, seen } = await controlPlane(t);
  const args = ["agent", "billing-bot", "--reason", "wrong amounts"];
  const done = await run("engage", ...args, "--for", "2h", "--tenant", "acme");
  assert.deepEqual(
    [done.code, done.stdout],
    [...[0, "Stopped the agent billing-bot of tenant acme until it is released. Kill switch h1.\n"]],
  );
  assert.equal(
    seen.at(-1),
    'POST /v1/admin/kill-switch {"scope":"agent","value":"billing-bot","tenant":"acme","reason":"wrong amounts","ttl_seconds":7200}',
  );
  assert.deepEqual((await json("engage", ...args)).json, halt);
  for (const wrong of [["agent", "x"], ["nobody", "--reason", "x"], [], ["agent", "x", "y", "--reason", "x"]])
    assert.equal((await run("engage", ...wrong)).code, 2, wrong.join(" "));
  assert.equal((await run("engage", ...args, "--for", "soon")).code, 2);
});

test("halt engage global is sent without the tenant of the settings, and never with one that was given", async (t) => {
  const { run, seen } = await controlPlane(t);
  assert.match((await run("engage", "global", "--reason", "stop")).stdout, /^Stopped everybody until/);
  assert.equal(seen.at(-1), 'POST /v1/admin/kill-switch {"scope":"global","value":"","reason":"stop"}');
  assert.equal((await run("engage", "global", "--reason", "stop", "--tenant", "acme")).code, 2);
  assert.equal(seen.length, 1);
});

test("halt release takes an id or a target, and says when it was over already", async (t) => {
  const { run, seen } = await controlPlane(t);
  assert.equal((await run("release", "h1", "--reason", "fixed")).stdout, "Released the kill switch h1.\n");
  assert.equal(seen.at(-1), 'POST /v1/admin/kill-switch/h1/release {"reason":"fixed"}');
  const target = ["agent", "billing-bot", "--reason", "fixed", "--tenant", "acme"];
  assert.equal((await run("release", ...target)).stdout, "Released the agent billing-bot of tenant acme.\n");
  assert.equal(
    seen.at(-1),
    'POST /v1/admin/kill-switch/release {"scope":"agent","value":"billing-bot","tenant":"acme","reason":"fixed"}',
  );
  const late = await run("release", "gone", "--reason", "fixed");
  assert.deepEqual([late.code, /no longer on/.test(late.stderr)], [2, true]);
  assert.equal((await run("release", "h1")).code, 2);
  assert.equal((await run("release", "agnet", "billing-bot", "--reason", "fixed")).code, 2);
});
