import assert from "node:assert/strict";
import { test } from "node:test";
import type { ResolvedAddress } from "@postern/network";
import { freePort } from "@postern/testkit";
import { type DestinationRules, readDestination } from "./destination.ts";
import { openHttp, PING } from "./http.fixture.ts";
import { faultOf, forever, requestOf, serve, textOf } from "./upstream.fixture.ts";
import { mayHaveRun } from "./upstream.ts";

const REFUSED: readonly [title: string, url: string][] = [
  ["the metadata service", "http://169.254.169.254/latest/meta-data"],
  ["it as one decimal number", "http://2852039166/"],
  ["it in octal", "http://0251.0376.0251.0376/"],
  ["it in hexadecimal", "http://0xa9.0xfe.0xa9.0xfe/"],
  ["it with fewer dots", "http://169.254.43518/"],
  ["it as mapped IPv6", "http://[::ffff:169.254.169.254]/"],
  ["it as mapped IPv6 in hexadecimal", "http://[::ffff:a9fe:a9fe]/"],
  ["it with a trailing dot", "http://169.254.169.254./"],
  ["it behind credentials", "http://good.example@169.254.169.254/"],
  ["it in full-width digits", "http://１６９.254.169.254/"],
  ["loopback as one decimal number, which a reader does not see", "http://2130706433/"],
  ["loopback with fewer dots", "http://127.1/"],
  ["loopback spelt out in IPv6", "http://[0:0:0:0:0:0:0:1]/"],
  ["a name with a trailing dot", "http://good.example./"],
  ["credentials", "http://user:secret@good.example/"],
  ["credentials that look like a host", "http://good.example:80@evil.example/"],
  ["a backslash", "http://good.example\\@evil.example/"],
  ["a tab within the name", "http://good\t.example/"],
  ["everywhere", "http://0.0.0.0:8080/"],
  ["everywhere in IPv6", "http://[::]/"],
  ["nowhere", "http://"],
  ["another scheme", "file:///etc/passwd"],
  ["no address", "good.example"],
];
for (const [title, url] of REFUSED) {
  test(`an upstream is not taken at ${title}`, () => {
    assert.throws(() => readDestination(url), { code: "config.invalid" });
  });
}

test("what is no trick is taken as it is written", () => {
  for (const url of [
    "http://127.0.0.1:3000/mcp?a=1",
    "http://[::1]/",
    "https://Good.Example:8443/mcp",
    "http://tools_1.internal/",
    "http://localhost/",
    "https://xn--bcher-kva.example/",
  ])
    assert.equal(readDestination(url).url.href, new URL(url).href);
  assert.equal(readDestination("http://127.0.0.1:3000/mcp?a=1").path, "/mcp?a=1");
});

test("strict mode takes a near address that is named, and no name that resolves to one", async () => {
  const addresses = { isStrict: true };
  assert.ok(readDestination("http://10.0.0.7/", { addresses }));
  const { lookup } = readDestination("http://near.example/", {
    addresses,
    resolve: resolver([["10.0.0.7"]]),
  });
  assert.match((await looked(lookup)).error ?? "", /only public addresses/);
});

/** Gives these answers one after the other, the last one for ever. */
function resolver(answers: readonly (readonly string[])[]): NonNullable<DestinationRules["resolve"]> {
  let asked = 0;
  return async () => {
    const addresses = answers[Math.min(asked, answers.length - 1)] ?? [];
    asked += 1;
    return addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
  };
}

function looked(lookup: ReturnType<typeof readDestination>["lookup"], all = true) {
  return new Promise<{ error?: string; addresses?: unknown }>((resolve) =>
    lookup("name.example", { all }, (error: Error | null, addresses: string | ResolvedAddress[]) =>
      resolve(error === null ? { addresses } : { error: error.message }),
    ),
  );
}

test("a name is good only if all its addresses are", async () => {
  const at = (addresses: readonly string[]) =>
    readDestination("http://name.example/", { resolve: resolver([addresses]) }).lookup;
  assert.deepEqual(await looked(at(["10.0.0.1", "::1"])), {
    addresses: [
      { address: "10.0.0.1", family: 4 },
      { address: "::1", family: 6 },
    ],
  });
  assert.deepEqual(await looked(at(["10.0.0.1"]), false), { addresses: "10.0.0.1" });
  assert.match((await looked(at(["8.8.8.8", "169.254.169.254"]))).error ?? "", /169\.254\.169\.254/);
  assert.match((await looked(at(["::ffff:10.0.0.1"]))).error ?? "", /may not be reached/);
  assert.match((await looked(at([]))).error ?? "", /no address/);
  const failing = readDestination("http://name.example/", {
    resolve: async () => {
      throw new Error("ENOTFOUND");
    },
  });
  assert.match((await looked(failing.lookup)).error ?? "", /ENOTFOUND/);
});

test("a name that moves to a forbidden address between two connections is connected to once", async (t) => {
  let requests = 0;
  const good = await serve(t, (_request, response) => {
    requests += 1;
    response.writeHead(200, { "content-type": "application/json", connection: "close" }).end("{}");
  });
  const asked: string[] = [];
  const answers = resolver([["127.0.0.1"], ["169.254.169.254"]]);
  const upstream = openHttp(t, {
    url: `http://tools.example:${good.port}/mcp`,
    resolve: (hostname) => {
      asked.push(hostname);
      return answers(hostname);
    },
  });
  assert.equal(await textOf(await upstream.forward(requestOf(PING), forever())), "{}");
  const fault = await faultOf(upstream.forward(requestOf(PING), forever()));
  assert.deepEqual([fault.code, mayHaveRun(fault)], ["upstream.unavailable", false]);
  assert.match(fault.detail ?? "", /169\.254\.169\.254/);
  assert.doesNotMatch(fault.message, /169/);
  assert.equal((await upstream.probe()).ok, false);
  assert.deepEqual([requests, asked], [1, ["tools.example", "tools.example", "tools.example"]]);
});

test("a resolver that answers well when asked first and badly afterwards cannot slip an address in: what was checked is connected to", async (t) => {
  const good = await serve(t, (_request, response) => {
    response.writeHead(200, { "content-type": "application/json" }).end('{"good":true}');
  });
  const upstream = openHttp(t, {
    url: `http://tools.example:${good.port}/mcp`,
    resolve: resolver([["127.0.0.1"], ["169.254.169.254"]]),
  });
  // Kept connections go where they went; there is no second look between check and connect.
  for (let calls = 0; calls < 3; calls += 1) {
    assert.equal(await textOf(await upstream.forward(requestOf(PING), forever())), '{"good":true}');
    for (let turns = 0; turns < 10; turns += 1) await new Promise((resolve) => setImmediate(resolve));
  }
});

test("a probe says what is wrong", async () => {
  const port = await freePort();
  assert.equal((await readDestination(`http://127.0.0.1:${port}/`).reach(1_000)).ok, false);
  const elsewhere = readDestination("http://name.example/", { resolve: resolver([["0.0.0.0"]]) });
  assert.match((await elsewhere.reach(1_000)).detail ?? "", /0\.0\.0\.0/);
});
