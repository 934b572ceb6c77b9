// Logging in at the door: whose access token stands for a capability there, and who is sent to log in.
import assert from "node:assert/strict";
import { test } from "node:test";
import { reason } from "@postern/contracts";
import { createMemoryExchange, toolCall } from "../exchange.fixture.ts";
import { createRig } from "../pipeline.fixture.ts";
import type { Login } from "./login.ts";

const CHALLENGE = 'Bearer resource_metadata="https://tools.example/…"';

/** "jwt" is exchanged for alice's capability, at once or later; "bad" for nothing; whoever lacks a token is sent to log in on /v1/mcp. */
const login: Pick<Login, "resolve" | "challenge"> = {
  resolve(bearer, { upstream, host }) {
    assert.deepEqual([upstream, host], ["default", "tools.example"]);
    if (bearer === "jwt") return Promise.resolve("alice");
    if (bearer === "cached") return "alice";
    if (bearer === "bad") return reason("capability.exchange", "No rule.");
    return bearer;
  },
  challenge: (code, { path, hadToken }) =>
    path === "/v1/mcp" && code !== "capability.unavailable"
      ? `${CHALLENGE}${hadToken ? ', error="invalid_token"' : ""}`
      : undefined,
};
const headers = { host: "tools.example" };

test("an access token does what the capability does that it is exchanged for", async (t) => {
  const rig = await createRig(t, { login });
  for (const token of ["jwt", "cached", "alice"]) {
    const answer = await rig.send(toolCall("echo"), { token, headers });
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.json().error, undefined);
  }
  const events = await rig.events();
  assert.deepEqual(new Set(events.map((event) => event.agent_id)), new Set(["alice"]));
});

test("a token that is worth nothing, and none at all, get HTTP 401 with the way to log in and the reason", async (t) => {
  const rig = await createRig(t, { login });
  for (const [token, code, header] of [
    [null, "capability.signature", CHALLENGE],
    ["bad", "capability.exchange", `${CHALLENGE}, error="invalid_token"`],
    ["nobody", "capability.signature", `${CHALLENGE}, error="invalid_token"`],
  ] as const) {
    const answer = await rig.send(toolCall("echo"), { token, headers });
    assert.equal(answer.status, 401);
    assert.equal(answer.headers["www-authenticate"], header);
    assert.deepEqual([answer.json().error?.code, answer.json().error?.data?.reason], [-32010, code]);
  }
  assert.deepEqual(rig.forwarded, []);
});

test("so do a stream and a notification", async (t) => {
  const rig = await createRig(t, { login });
  const stream = await rig.send(undefined, { verb: "GET", token: null, headers });
  const notification = await rig.send(toolCall("echo", {}, null), { token: null, headers });
  for (const answer of [stream, notification]) {
    assert.deepEqual([answer.status, answer.headers["www-authenticate"]], [401, CHALLENGE]);
  }
});

test("a call at the other door is answered as its document says, with and without an access token", async (t) => {
  const rig = await createRig(t, { login });
  const at = { door: "tool-call", path: "/v1/tool-call", headers } as const;
  const refused = await rig.send(toolCall("echo"), { ...at, token: "bad", exchange: createMemoryExchange() });
  assert.deepEqual([refused.status, refused.json().error?.code], [200, -32010]);
});
