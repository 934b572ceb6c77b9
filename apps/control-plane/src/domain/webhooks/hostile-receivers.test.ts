// What a receiver may do wrong, and where nothing is ever sent.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Receiver, receiver, status } from "./receiver.fixture.ts";
import { only, verified, webhookWorld } from "./webhook-world.fixture.ts";

const HOUR_MS = 3_600_000;

test("a test message is sent at once and once, and the answer says what came of it", async (t) => {
  const world = await webhookWorld(t, "embedded");
  assert.ok(world !== undefined);
  const there = await receiver(t);
  const { id, secret } = await world.add(there.url);
  const sent = (await world.admin("POST", `/${id}/test`)).json;
  assert.deepEqual([sent.delivered, sent.response_status, sent.error], [true, 204, ""]);
  const message = only(there.received);
  assert.equal(message.headers["webhook-id"], sent.delivery_id);
  assert.deepEqual(verified(secret, message).type, "webhook.test");
  there.answer = status(500);
  const failed = (await world.admin("POST", `/${id}/test`)).json;
  assert.deepEqual([failed.delivered, failed.response_status], [false, 500]);
  world.plane.clock.advance(HOUR_MS);
  await world.deliver();
  assert.equal(there.received.length, 2);
  assert.equal((await world.admin("GET", `/${id}`)).json.failing_since, undefined);
  await world.admin("PATCH", `/${id}`, { enabled: false });
  there.answer = status(204);
  assert.equal((await world.admin("POST", `/${id}/test`)).json.delivered, true);
  assert.equal((await world.eventsOf("test_webhook")).length, 3);
});

test("what a receiver may do wrong is a failed attempt, told without a word of its answer", async (t) => {
  const world = await webhookWorld(t, "embedded", { timeoutMs: 300 });
  assert.ok(world !== undefined);
  const there = await receiver(t);
  const elsewhere = await receiver(t);
  const { id } = await world.add(there.url);
  const cases: [Receiver["answer"], boolean, RegExp][] = [
    [status(301, { location: elsewhere.url }), false, /HTTP 301/],
    [status(307, { location: elsewhere.url }), false, /HTTP 307/],
    [() => {}, false, /no answer in time/],
    [(response) => void response.destroy(), false, /broke off/],
    [(response) => void response.socket?.end("SSH-2.0-secret\r\n"), false, /no HTTP/],
    [(response) => void response.writeHead(500).end("the secret"), false, /HTTP 500/],
    [(response) => void response.writeHead(200).write("x".repeat(1_000_000)), true, /^$/],
    [(response) => void response.writeHead(200, { "content-length": "9" }).write("x"), true, /^$/],
  ];
  for (const [answer, isDelivered, error] of cases) {
    there.answer = answer;
    const { json, text } = await world.admin("POST", `/${id}/test`);
    assert.equal(json.delivered, isDelivered, text);
    assert.match(json.error, error);
    assert.ok(!text.includes("secret"));
  }
  assert.deepEqual(elsewhere.received, []);
  await world.admin("PATCH", `/${id}`, { url: "http://127.0.0.1:1/" });
  assert.match((await world.admin("POST", `/${id}/test`)).json.error, /could not be made/);
});

test("no address of this machine's own network is sent to, in whatever spelling, and no name that turns into one", async (t) => {
  const answers: string[] = [];
  const send = {
    mayBePrivate: false,
    resolve: async () => [{ address: answers.shift() ?? "169.254.169.254", family: 4 }],
  };
  const world = await webhookWorld(t, "embedded", send);
  assert.ok(world !== undefined);
  for (const url of [
    ...["http://hooks.example/", "https://127.0.0.1/", "https://2130706433/", "https://0x7f.1/"],
    ...[
      "https://[::1]/",
      "https://[::ffff:169.254.169.254]/",
      "https://169.254.169.254/",
      "https://10.0.0.1/",
    ],
    ...[
      "ftp://hooks.example/",
      "https://user:pass@hooks.example/",
      "https://hooks.example/#x",
      "https://a b/",
    ],
    ...["//hooks.example/", "https://", "https://hooks.example\\@evil.example/", "", "javascript:alert(1)"],
  ]) {
    const refused = await world.admin("POST", "", { url, events: ["halt.engaged"] });
    assert.equal(refused.status, 400, url);
  }
  const { id } = await world.add("https://hooks.example/in?key=k");
  for (const address of ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1"]) {
    answers.push(address);
    const { json } = await world.admin("POST", `/${id}/test`);
    assert.deepEqual([json.delivered, json.error], [false, "The address may not be reached."], address);
  }
  const moved = await world.admin("PATCH", `/${id}`, { url: "https://192.168.0.1/" });
  assert.deepEqual([moved.status, moved.json.code], [400, "webhooks.address"]);
});

test("a name that moves into the network between two messages is connected to once", async (t) => {
  const there = await receiver(t);
  const answers = ["127.0.0.1", "169.254.169.254"];
  const send = { resolve: async () => [{ address: answers.shift() ?? "", family: 4 }] };
  const world = await webhookWorld(t, "embedded", send);
  assert.ok(world !== undefined);
  const { id } = await world.add(`http://hooks.example:${there.port}/`);
  assert.equal((await world.admin("POST", `/${id}/test`)).json.delivered, true);
  assert.equal((await world.admin("POST", `/${id}/test`)).json.delivered, false);
  assert.equal(there.received.length, 1);
});
