// P7 on the real programs: how soon a kill switch holds at a connected sidecar, for calls and for streams that are open, and what a sidecar does
// that is cut off.
import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually, startStack, TENANT } from "../e2e/stack.ts";

const POLICY = `package intentgate.policy

default decision := {"allow": false, "rule": "default"}

decision := {"allow": true, "rule": "listed"} if input.tool in {"record", "transfer"}
`;
const ROUNDS = 20;
/** Far beyond the promise: this test is of the way, and the machine may be busy. */
const BOUND_MS = 10_000;

type Stack = Awaited<ReturnType<typeof startStack>>;

/** Milliseconds from `act` until a call is answered as it should be. */
async function until(
  stack: Stack,
  token: string,
  isHalted: boolean,
  act: () => Promise<unknown>,
): Promise<number> {
  const agent = stack.agent(token);
  const startedMs = performance.now();
  const acting = act();
  for (;;) {
    const answer = await agent.toolCall("record", { nonce: "n" });
    const code = answer.ok ? undefined : answer.denial?.reason;
    if (isHalted ? code === "capability.halted" : answer.ok) break;
    assert.ok(performance.now() - startedMs < BOUND_MS, `still ${code ?? "allowed"}`);
  }
  const tookMs = performance.now() - startedMs;
  await acting;
  return tookMs;
}

const told = (name: string, ms: readonly number[]) => {
  const sorted = [...ms].sort((a, b) => a - b).map((each) => Math.round(each));
  return `${name}: median ${sorted[sorted.length >> 1]} ms, worst ${sorted.at(-1)} ms of ${ms.length}`;
};

test("a kill switch is refused with at a connected sidecar as soon as it is engaged, and no longer once it is released", {
  timeout: 180_000,
}, async (t) => {
  const stack = await startStack(t, POLICY);
  const { admin } = stack;
  const { token, jti } = await stack.mint();
  const targets = [
    { scope: "agent", value: "agent-x", tenant: TENANT },
    { scope: "tool", value: "rec*", tenant: TENANT },
    { scope: "token", value: jti, tenant: TENANT },
    { scope: "subtree", value: jti, tenant: TENANT },
    { scope: "tenant", tenant: TENANT },
    { scope: "global" },
  ] as const;
  const [engaged, released]: [number[], number[]] = [[], []];
  await until(stack, token, false, async () => {});
  for (let round = 0; round < ROUNDS; round += 1) {
    const target = targets[round % targets.length] ?? { scope: "global" };
    const reason = `round ${round}`;
    engaged.push(await until(stack, token, true, () => admin.engageHalt({ ...target, reason })));
    released.push(await until(stack, token, false, () => admin.releaseHaltOf({ ...target, reason })));
  }
  t.diagnostic(told("engage → refused", engaged));
  t.diagnostic(told("release → allowed", released));

  const brief = { ...targets[0], reason: "for a moment", ttl_seconds: 2 };
  t.diagnostic(told("engage → refused", [await until(stack, token, true, () => admin.engageHalt(brief))]));
  t.diagnostic(told("2 s → allowed again", [await until(stack, token, false, async () => {})]));
  assert.deepEqual((await admin.halts({ tenant: TENANT })).items, []);
});

test("an open stream of an agent who is stopped, or whose token is revoked, ends though nothing is sent on it", {
  timeout: 180_000,
}, async (t) => {
  const stack = await startStack(t, POLICY);
  const { admin } = stack;
  for (const [how, stop] of [
    ["stopped", () => admin.engageHalt({ scope: "agent", value: "agent-s", reason: "why", tenant: TENANT })],
    ["revoked", (jti: string) => admin.revoke(jti, { tenant: TENANT })],
  ] as const) {
    const { token, jti } = await stack.mint({ subject: how === "stopped" ? "agent-s" : "agent-r" });
    const headers = {
      authorization: `Bearer ${token}`,
      accept: "application/json, text/event-stream",
      "content-type": "application/json",
    };
    const clientInfo = { name: "test", version: "0" };
    const params = { protocolVersion: "2025-06-18", capabilities: {}, clientInfo };
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params });
    const opened = await fetch(stack.sidecar.mcpUrl, { method: "POST", headers, body });
    await opened.text();
    const sessionId = opened.headers.get("mcp-session-id") ?? "";
    assert.notEqual(sessionId, "");
    const inSession = { ...headers, "mcp-session-id": sessionId };
    const stream = await fetch(stack.sidecar.mcpUrl, { headers: inSession });
    assert.equal(stream.status, 200);
    const startedMs = performance.now();
    await stop(jti);
    await stream.text();
    t.diagnostic(told(`${how} → stream ended`, [performance.now() - startedMs]));
    assert.ok(performance.now() - startedMs < BOUND_MS);
    const again = await fetch(stack.sidecar.mcpUrl, { headers: inSession });
    assert.equal(again.status, how === "stopped" ? 403 : 401);
    await again.text();
  }
});

test("a sidecar that is cut off keeps what was stopped stopped, and stops each tool when the bound of its class has passed", {
  timeout: 180_000,
}, async (t) => {
  const stack = await startStack(t, POLICY, {
    POSTERN_STALENESS_MS: "12000",
    POSTERN_STALENESS_BY_TOOL: "trans*=4s",
  });
  const { token } = await stack.mint();
  const { token: stopped } = await stack.mint({ subject: "agent-s" });
  const [agent, halted] = [stack.agent(token), stack.agent(stopped)];
  const call = async (who: typeof agent, tool: string) => {
    const answer = await who.toolCall(tool, { nonce: "n", amount: 1 });
    return answer.ok ? "allowed" : answer.denial?.reason;
  };
  await stack.admin.engageHalt({ scope: "agent", value: "agent-s", reason: "why", tenant: TENANT });
  await eventually(async () => assert.equal(await call(halted, "record"), "capability.halted"));
  await eventually(async () => assert.equal(await call(agent, "transfer"), "allowed"));
  stack.controlPlane.process.signal("SIGKILL");
  await stack.controlPlane.process.exited;
  await eventually(async () => assert.equal(await call(agent, "transfer"), "capability.stale"));
  assert.equal(await call(agent, "record"), "allowed");
  assert.equal(await call(halted, "record"), "capability.halted");
  await eventually(async () => assert.equal(await call(agent, "record"), "capability.stale"), 30_000);
});
