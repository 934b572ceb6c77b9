import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault } from "@postern/fault";
import { answers, type Script, scriptedServer } from "@postern/testkit";
import { z } from "zod";
import { createExchange } from "./exchange.ts";

const Reply = z.object({ ok: z.boolean() });
const isFault = (kind: string, code: string) => (caught: unknown) => {
  assert.ok(caught instanceof Fault, String(caught));
  assert.deepEqual([caught.kind, caught.code], [kind, code]);
  return true;
};

test("an exchange carries credential, query and JSON body, and parses the answer", async (t) => {
  const server = await scriptedServer(t, answers(200, { ok: true, later: "field" }));
  const exchange = createExchange({ url: `${server.url}/under/` }, "token-1");
  const reply = await exchange.json("POST", "/x", Reply, {
    query: { a: "é&b", b: undefined, c: 2 },
    body: { n: 1 },
  });
  assert.deepEqual(reply, { ok: true });
  assert.equal(server.seen[0]?.url, "/under/x?a=%C3%A9%26b&c=2");
  assert.equal(server.seen[0]?.headers.authorization, "Bearer token-1");
  assert.equal(server.seen[0]?.body, '{"n":1}');
});

const statuses: [number, string][] = [
  [400, "invalid"],
  [401, "unauthenticated"],
  [403, "forbidden"],
  [404, "not_found"],
  [405, "invalid"],
  [409, "conflict"],
  [412, "precondition"],
  [413, "too_large"],
  [429, "limited"],
  [500, "upstream"],
  [502, "upstream"],
  [503, "unavailable"],
];
for (const [status, kind] of statuses)
  test(`HTTP ${status} is a Fault of kind ${kind} with the service's own sentence`, async (t) => {
    const { url } = await scriptedServer(t, answers(status, { error: "Because." }));
    await assert.rejects(createExchange({ url }, "t").bytes("GET", "/"), (caught: Fault) => {
      assert.equal(caught.message, "Because.");
      return isFault(kind, "client.refused")(caught);
    });
  });

const hostile: { name: string; script: Script; kind: string; code: string }[] = [
  { name: "not JSON", script: answers(200, "<html>"), kind: "upstream", code: "client.malformed" },
  {
    name: "JSON of another shape",
    script: answers(200, { ok: "yes" }),
    kind: "upstream",
    code: "client.malformed",
  },
  { name: "an empty answer", script: answers(200, ""), kind: "upstream", code: "client.malformed" },
  {
    name: "a refusal that is not JSON",
    script: answers(500, "<html>"),
    kind: "upstream",
    code: "client.refused",
  },
  {
    name: "a refusal of another shape",
    script: answers(400, { error: {} }),
    kind: "invalid",
    code: "client.refused",
  },
  {
    name: "an answer that is too large",
    script: answers(200, "x".repeat(5000)),
    kind: "upstream",
    code: "client.too_large",
  },
  {
    name: "an answer without end",
    script: (_request, response) => {
      const pour = () => {
        while (!response.destroyed && response.write("x".repeat(1000)));
      };
      response.on("drain", pour);
      pour();
    },
    kind: "upstream",
    code: "client.too_large",
  },
  {
    name: "a connection that is cut",
    script: (_request, response) => void response.destroy(),
    kind: "unavailable",
    code: "client.unreachable",
  },
  {
    name: "an answer that is cut",
    script: (_request, response) => {
      response.writeHead(200, { "content-length": "100" });
      response.write("{", () => response.destroy());
    },
    kind: "unavailable",
    code: "client.unreachable",
  },
  { name: "silence", script: () => {}, kind: "unavailable", code: "client.timeout" },
  {
    name: "an answer that stalls",
    script: (_request, response) => void response.writeHead(200).write("{"),
    kind: "unavailable",
    code: "client.timeout",
  },
];
for (const { name, script, kind, code } of hostile)
  test(`${name} is a Fault of kind ${kind}, ${code}`, async (t) => {
    const { url } = await scriptedServer(t, script);
    const exchange = createExchange({ url, timeoutMs: 300, answerBytesMax: 4096 }, "t");
    await assert.rejects(exchange.json("GET", "/", Reply), isFault(kind, code));
  });

test("a service that is not there is unreachable, and the reason is named", async () => {
  const exchange = createExchange({ url: "http://127.0.0.1:1" }, "t");
  await assert.rejects(exchange.bytes("GET", "/"), /ECONNREFUSED|bad port/);
});

test("a refusal keeps the service's own code, when it is one", async (t) => {
  const { url } = await scriptedServer(t, (request, response) => {
    const code = request.url === "/good" ? "keys.too_early" : "no code\u0000";
    response.writeHead(409).end(JSON.stringify({ error: "Wait.", code }));
  });
  const exchange = createExchange({ url }, "t");
  await assert.rejects(exchange.bytes("POST", "/good"), isFault("conflict", "keys.too_early"));
  await assert.rejects(exchange.bytes("POST", "/bad"), isFault("conflict", "client.refused"));
});

test("a redirect is not followed: a credential goes where it was meant to go", async (t) => {
  const elsewhere = await scriptedServer(t, answers(200, { ok: true }));
  const { url } = await scriptedServer(t, (_request, response) =>
    response.writeHead(307, { location: elsewhere.url }).end(),
  );
  const asked = createExchange({ url }, "t").json("GET", "/", Reply);
  await assert.rejects(asked, isFault("unavailable", "client.unreachable"));
  assert.equal(elsewhere.seen.length, 0);
});

test("the caller can cancel", async (t) => {
  const controller = new AbortController();
  const { url } = await scriptedServer(t, () => controller.abort());
  const waiting = createExchange({ url }, "t").bytes("GET", "/", { signal: controller.signal });
  await assert.rejects(waiting, isFault("unavailable", "client.cancelled"));
});

test("addresses and tokens that can never work are refused at once", () => {
  const urls = [
    "",
    "example.com",
    "ftp://example.com",
    "http://user:secret@example.com",
    "http://example.com/?a=1",
  ];
  for (const url of urls)
    assert.throws(() => createExchange({ url }, "t"), isFault("invalid", "client.url"), url);
  for (const token of ["", "a b", "a\r\nx-evil: 1", "é"])
    assert.throws(
      () => createExchange({ url: "http://example.com" }, token),
      isFault("invalid", "client.token"),
    );
});
