import assert from "node:assert/strict";
import { test } from "node:test";
import { fixedClock } from "@postern/testkit";
import { type BodyPipe, createBodyPipe, wholeBody } from "./body.ts";
import { type GuardOptions, guardUpstream } from "./guarded.ts";
import { bodiless, faultOf, forever, requestOf } from "./upstream.fixture.ts";
import {
  mayHaveRun,
  type Upstream,
  type UpstreamRequest,
  type UpstreamResponse,
  upstreamFault,
} from "./upstream.ts";

type Answer = (signal: AbortSignal) => Promise<UpstreamResponse> | UpstreamResponse;

const done = (status = 200): UpstreamResponse => ({
  status,
  headers: {},
  body: wholeBody(Buffer.from("{}")),
});

function guarded(limits: Partial<GuardOptions> = {}) {
  const clock = fixedClock();
  let reached = 0;
  const rig = {
    clock,
    answer: (() => done()) as Answer,
    reached: () => reached,
    upstream: undefined as unknown as Upstream,
  };
  const inner: Upstream = {
    name: "test",
    async forward(_request, signal) {
      reached += 1;
      return rig.answer(signal);
    },
    probe: async () => ({ ok: true }),
    close: async () => {},
  };
  rig.upstream = guardUpstream(inner, {
    callsMax: 4,
    callsPerPrincipalMax: 2,
    failuresMax: 3,
    cooldownMs: 1_000,
    clock,
    ...limits,
  });
  return rig;
}

const callOf = (principal?: string): UpstreamRequest => ({
  ...requestOf({ id: 1, method: "tools/call", params: { name: "t" } }),
  ...(principal !== undefined && { principal }),
});

function opening(): { answer: Answer; pipes: BodyPipe[] } {
  const pipes: BodyPipe[] = [];
  const answer = () => {
    const pipe = createBodyPipe({ pause: () => {}, resume: () => {}, abort: () => {} });
    pipes.push(pipe);
    return { status: 200, headers: {}, body: pipe.body };
  };
  return { answer, pipes };
}

const down = () => {
  throw upstreamFault("upstream.unavailable", "no connection", { sent: false, isOutage: true });
};

test("calls beyond the bound of one caller, or of the tool server, are refused at once and unsent", async () => {
  const rig = guarded();
  const { answer, pipes } = opening();
  rig.answer = answer;
  const send = (principal?: string) => rig.upstream.forward(callOf(principal), forever());
  await Promise.all([send("alice"), send("alice")]);
  const own = await faultOf(send("alice"));
  assert.deepEqual([own.kind, own.code, mayHaveRun(own)], ["limited", "upstream.busy", false]);
  assert.match(own.message, /One caller may have 2 calls/);
  await Promise.all([send("bob"), send()]);
  const all = await faultOf(send("carol"));
  assert.deepEqual([all.code, mayHaveRun(all)], ["upstream.busy", false]);
  assert.match(all.message, /given 4 calls at once/);
  assert.equal(rig.reached(), 4);
  pipes[0]?.end();
  await send("alice");
});

test("a place is free again however a call ends, whether or not anybody read its answer", async () => {
  const endings: readonly ((pipe: BodyPipe) => void)[] = [
    (pipe) => pipe.end(),
    (pipe) => pipe.fail(new Error("broken")),
    (pipe) => pipe.body.cancel(),
  ];
  for (const end of endings) {
    const rig = guarded({ callsMax: 1 });
    const { answer, pipes } = opening();
    rig.answer = answer;
    await rig.upstream.forward(callOf("alice"), forever());
    await faultOf(rig.upstream.forward(callOf("alice"), forever()));
    for (const pipe of pipes) end(pipe);
    await rig.upstream.forward(callOf("alice"), forever());
  }
  const rig = guarded({ callsMax: 1, failuresMax: 0 });
  rig.answer = down;
  for (let calls = 0; calls < 3; calls += 1)
    assert.equal(
      (await faultOf(rig.upstream.forward(callOf("alice"), forever()))).code,
      "upstream.unavailable",
    );
  rig.answer = () => done();
  for (let calls = 0; calls < 3; calls += 1) await rig.upstream.forward(callOf("alice"), forever());
});

test("a thousand idle streams stand in no call's way", async () => {
  const rig = guarded({ callsMax: 1, callsPerPrincipalMax: 1 });
  rig.answer = opening().answer;
  const listen = requestOf({ id: 1, method: "subscriptions/listen", params: {} });
  for (let streams = 0; streams < 500; streams += 1) {
    await rig.upstream.forward({ ...bodiless("GET"), principal: "alice" }, forever());
    await rig.upstream.forward({ ...listen, principal: "alice" }, forever());
  }
  rig.answer = () => done();
  assert.equal((await rig.upstream.forward(callOf("alice"), forever())).status, 200);
});

test("a tool server that fails again and again is left alone, and comes back with the first good answer", async () => {
  const rig = guarded();
  const send = () => rig.upstream.forward(callOf("alice"), forever());
  const failures: readonly Answer[] = [down, () => done(500), () => done(503)];
  for (const failure of failures) {
    rig.answer = failure;
    await send().catch(() => {});
  }
  rig.answer = () => done();
  const fault = await faultOf(send());
  assert.deepEqual([fault.kind, fault.code, mayHaveRun(fault)], ["limited", "upstream.circuit_open", false]);
  assert.match(fault.message, /left alone for 1000 ms/);
  assert.equal(
    (await faultOf(rig.upstream.forward(bodiless("GET"), forever()))).code,
    "upstream.circuit_open",
  );
  assert.equal(rig.reached(), 3);
  rig.clock.advance(1_000);
  assert.equal((await send()).status, 200);
  assert.equal((await send()).status, 200);
});

test("while one call is sent to see, all others are refused, and a caller that leaves hands the turn on", async () => {
  const rig = guarded({ failuresMax: 1 });
  const send = () => rig.upstream.forward(callOf(), forever());
  rig.answer = down;
  await send().catch(() => {});
  rig.clock.advance(1_000);
  const asked = Promise.withResolvers<UpstreamResponse>();
  rig.answer = () => asked.promise;
  const probe = send();
  assert.equal((await faultOf(send())).code, "upstream.circuit_open");
  asked.reject(upstreamFault("upstream.aborted", "The caller has gone", { sent: true }));
  assert.equal((await faultOf(probe)).code, "upstream.aborted");
  rig.answer = () => done();
  assert.equal((await send()).status, 200);
});

test("refusals, callers that leave, and credentials that one caller lacks do not open the circuit", async () => {
  const rig = guarded({ failuresMax: 1 });
  const harmless: readonly Answer[] = [
    () => done(400),
    () => done(404),
    () => {
      throw upstreamFault("upstream.aborted", "The caller has gone", { sent: true });
    },
    () => {
      throw upstreamFault("upstream.unavailable", "refused the credential", { sent: true });
    },
    () => {
      throw upstreamFault("upstream.protocol", "answered too much", { sent: true });
    },
  ];
  for (const answer of harmless) {
    rig.answer = answer;
    await rig.upstream.forward(callOf(), forever()).catch(() => {});
  }
  rig.answer = () => done();
  assert.equal((await rig.upstream.forward(callOf(), forever())).status, 200);
});

test("a stream that breaks because the tool server died is a failure, one that its caller left is none", async () => {
  const { answer, pipes } = opening();
  const rig = guarded({ failuresMax: 1 });
  rig.answer = answer;
  const left = await rig.upstream.forward(callOf(), forever());
  left.body.cancel();
  await rig.upstream.forward(callOf(), forever());
  pipes[1]?.fail(upstreamFault("upstream.unavailable", "reset", { sent: true, isOutage: true }));
  assert.equal((await faultOf(rig.upstream.forward(callOf(), forever()))).code, "upstream.circuit_open");
});
