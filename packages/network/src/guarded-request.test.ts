// What a request to somebody else's address connects to, and what it takes from there.
import assert from "node:assert/strict";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { defer } from "@postern/testkit";
import { createGuardedRequest, type GuardedRequestOptions } from "./guarded-request.ts";

const options = { mayBePrivate: true, timeoutMs: 300, bytesMax: 1000 };
const textOf = (body: Uint8Array) => Buffer.from(body).toString();

async function serve(t: TestContext, listener: RequestListener): Promise<number> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  defer(t, () => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const resolvesTo =
  (...addresses: string[]): NonNullable<GuardedRequestOptions["resolve"]> =>
  async () =>
    addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));

test("method, headers and body arrive, and status and body come back", async (t) => {
  const port = await serve(t, (request, response) => {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => response.writeHead(418).end(`${request.method} ${request.headers.x} ${body}`));
  });
  const send = createGuardedRequest(options);
  const url = new URL(`http://127.0.0.1:${port}/`);
  const answer = await send(url, { method: "POST", headers: { x: "y" }, body: "{}" });
  assert.deepEqual([answer.status, textOf(answer.body), answer.isWhole], [418, "POST y {}", true]);
});

test("an address in any spelling is judged before it is connected to", async () => {
  for (const host of [
    ...["127.0.0.1", "2130706433", "0x7f.1", "0177.0.0.1", "10.0.0.1"],
    ...["[::1]", "[fd00::1]", "[::ffff:7f00:1]", "169.254.169.254", "0"],
  ])
    await assert.rejects(
      createGuardedRequest({ ...options, mayBePrivate: false })(new URL(`http://${host}:1/`)),
      /may not be reached/,
      host,
    );
  for (const host of [
    "169.254.169.254",
    "[fe80::1]",
    "[::ffff:127.0.0.1]",
    "0.0.0.0",
    "[64:ff9b::a9fe:a9fe]",
  ])
    await assert.rejects(createGuardedRequest(options)(new URL(`http://${host}:1/`)), /may not be/, host);
});

test("a name is judged by all that it resolves to, and what was judged is connected to", async (t) => {
  const port = await serve(t, (_request, response) => response.end("here"));
  const url = new URL(`http://rebound.example:${port}/`);
  const ask = (...addresses: string[]) =>
    createGuardedRequest({ ...options, resolve: resolvesTo(...addresses) })(url);
  assert.equal(textOf((await ask("127.0.0.1")).body), "here");
  await assert.rejects(ask("169.254.169.254"), /may not be reached/);
  await assert.rejects(ask("127.0.0.1", "169.254.169.254"), /may not be reached/);
  await assert.rejects(ask(), /no address/);
  const isPublic = createGuardedRequest({
    ...options,
    mayBePrivate: false,
    resolve: resolvesTo("127.0.0.1"),
  });
  await assert.rejects(isPublic(url), /only public addresses/);
});

test("a name that moves between two requests is judged anew for each", async (t) => {
  const port = await serve(t, (_request, response) => response.end("here"));
  let asked = 0;
  const send = createGuardedRequest({
    ...options,
    resolve: async () => {
      asked += 1;
      return [{ address: asked === 1 ? "127.0.0.1" : "169.254.169.254", family: 4 }];
    },
  });
  const url = new URL(`http://rebound.example:${port}/`);
  assert.equal((await send(url)).status, 200);
  await assert.rejects(send(url), /may not be reached/);
  assert.equal(asked, 2);
});

test("a redirect is an answer like any other, and nobody goes there", async (t) => {
  const paths: (string | undefined)[] = [];
  const port = await serve(t, (request, response) => {
    paths.push(request.url);
    response.writeHead(302, { location: "/there" }).end();
  });
  assert.equal((await createGuardedRequest(options)(new URL(`http://127.0.0.1:${port}/here`))).status, 302);
  assert.deepEqual(paths, ["/here"]);
});

test("an answer that is too large, trickles or breaks off is told with its status, and no more of it is read", async (t) => {
  const port = await serve(t, (request, response) => {
    response.writeHead(200, request.url === "/cut" ? { "content-length": "100" } : {});
    if (request.url === "/large") response.write("x".repeat(100_000));
    if (request.url === "/trickle") response.write("some");
    if (request.url === "/cut") response.write("some", () => response.destroy());
  });
  const send = createGuardedRequest(options);
  const ask = async (path: string) => {
    const { status, body, isWhole } = await send(new URL(`http://127.0.0.1:${port}${path}`));
    return [status, body.byteLength, isWhole];
  };
  assert.deepEqual(await ask("/large"), [200, 1000, false]);
  assert.deepEqual(await ask("/trickle"), [200, 4, false]);
  assert.deepEqual(await ask("/cut"), [200, 4, false]);
});

test("silence ends at the deadline, and a closed port at once", async (t) => {
  const port = await serve(t, () => {});
  const send = createGuardedRequest(options);
  await assert.rejects(send(new URL(`http://127.0.0.1:${port}/`)), { name: "AbortError" });
  await assert.rejects(send(new URL("http://127.0.0.1:1/")), { code: "ECONNREFUSED" });
});
