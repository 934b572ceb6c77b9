// The set of upstreams while it changes: under load, with streams open, against what the configuration says.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { RegisteredUpstream } from "@postern/contracts";
import { silentLogger } from "@postern/telemetry";
import { fixedClock } from "@postern/testkit";
import type { UpstreamPlace } from "../../tracing/message-attributes.ts";
import { wholeBody } from "../body.ts";
import { guardUpstream } from "../guarded.ts";
import { bodiless, forever, requestOf, textOf, until } from "../upstream.fixture.ts";
import type { Upstream, UpstreamRequest, UpstreamResponse } from "../upstream.ts";
import { createUpstreamRegistry } from "./upstream-registry.ts";

interface Opened {
  readonly registered: RegisteredUpstream;
  readonly requests: UpstreamRequest[];
  /** Calls wait for it. */
  gate: Promise<void>;
  closed: boolean;
  problem: string | undefined;
}

const at = (name: string, url = `https://${name}.example/`): RegisteredUpstream => ({
  ...{ name, transport: "http", url, auth: { kind: "none" } },
});

const limits = { callsMax: 1_000, callsPerPrincipalMax: 1_000, failuresMax: 0, cooldownMs: 1 };

function createRig(configured: readonly string[] = []) {
  const opened: Opened[] = [];
  const letGo: string[] = [];
  const told: string[] = [];
  const warned: string[] = [];
  const upstreams = new Map<string, Upstream>();
  for (const name of configured) upstreams.set(name, adapter(at(name)).upstream);
  const places = new Map<string, UpstreamPlace>();

  function adapter(registered: RegisteredUpstream) {
    const state: Opened = {
      registered,
      requests: [],
      gate: Promise.resolve(),
      closed: false,
      problem: undefined,
    };
    const upstream: Upstream = {
      name: registered.name,
      async forward(request, signal): Promise<UpstreamResponse> {
        if (state.closed) throw new Error("closed");
        state.requests.push(request);
        if (request.method === "GET") {
          await new Promise((_, reject) =>
            signal.addEventListener("abort", () => reject(new Error("aborted"))),
          );
        }
        await state.gate;
        return { status: 200, headers: {}, body: wholeBody(Buffer.from(registered.url)) };
      },
      probe: async () => ({ ok: true }),
      async close() {
        state.closed = true;
      },
    };
    return { state, upstream: guardUpstream(upstream, { ...limits, clock: fixedClock() }) };
  }

  const registry = createUpstreamRegistry({
    ...{ upstreams, places },
    open(registered) {
      const { state, upstream } = adapter(registered);
      opened.push(state);
      return { upstream, problem: () => state.problem };
    },
    letGo(upstream) {
      letGo.push(upstream.name);
      return async () => void told.push(upstream.name);
    },
    sleep: async () => {},
    log: { ...silentLogger, warn: (message) => void warned.push(message) },
  });
  const take = (...each: RegisteredUpstream[]) => registry.take({ upstreams: each });
  const call = async (name: string) => {
    const upstream = upstreams.get(name) ?? assert.fail(`${name} is not there`);
    return textOf(await upstream.forward(requestOf({ id: 1, method: "ping" }), forever()));
  };
  return { registry, upstreams, places, opened, letGo, told, warned, take, call };
}

test("a registered upstream is there as soon as it is told of, and gone as soon as it is not", async () => {
  const rig = createRig();
  rig.take(at("crm"), at("mail"));
  assert.deepEqual([...rig.upstreams.keys()], ["crm", "mail"]);
  assert.deepEqual(rig.places.get("crm"), { transport: "tcp", host: "crm.example", port: 443 });
  assert.equal(await rig.call("crm"), "https://crm.example/");
  rig.take(at("mail"));
  assert.deepEqual(
    [[...rig.upstreams.keys()], [...rig.places.keys()], rig.letGo],
    [["mail"], ["mail"], ["crm"]],
  );
  await until(() => rig.opened[0]?.closed === true);
  assert.deepEqual(rig.told, ["crm"]);
});

test("what is told again unchanged keeps its connections and sessions", () => {
  const rig = createRig();
  rig.take(at("crm"), at("mail"));
  const before = rig.upstreams.get("crm");
  rig.take(at("mail"), at("crm"));
  assert.equal(rig.upstreams.get("crm"), before);
  assert.deepEqual([rig.opened.length, rig.letGo], [2, []]);
});

test("one that has changed is another for new calls, and those under way finish where they began", async () => {
  const rig = createRig();
  rig.take(at("crm"));
  const [old] = rig.opened;
  const gate = Promise.withResolvers<void>();
  (old ?? assert.fail()).gate = gate.promise;
  const under = Array.from({ length: 50 }, () => rig.call("crm"));
  rig.take(at("crm", "https://crm.example/v2"));
  assert.equal(await rig.call("crm"), "https://crm.example/v2");
  await until(() => rig.letGo.length === 1);
  assert.deepEqual([old?.closed, rig.told], [false, []]);
  gate.resolve();
  for (const each of await Promise.all(under)) assert.equal(each, "https://crm.example/");
  await until(() => old?.closed === true);
  assert.deepEqual(rig.told, ["crm"]);
});

test("no call fails while the set changes all the time", async () => {
  const rig = createRig();
  rig.take(at("crm", "https://crm.example/0"));
  const calls: Promise<string>[] = [];
  for (let round = 1; round <= 200; round += 1) {
    for (let each = 0; each < 5; each += 1) calls.push(rig.call("crm"));
    rig.take(at("crm", `https://crm.example/${round}`), ...(round % 2 === 0 ? [at("mail")] : []));
    if (round % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  const answers = await Promise.all(calls);
  assert.equal(answers.length, 1_000);
  assert.deepEqual(
    answers.filter((answer) => !answer.startsWith("https://crm.example/")),
    [],
  );
  await until(() => rig.opened.filter(({ closed }) => !closed).length === 2);
});

test("a stream that no answer ends is over when its upstream goes, and holds nothing up", async () => {
  const rig = createRig();
  rig.take(at("crm"));
  const upstream = rig.upstreams.get("crm") ?? assert.fail();
  const stream = upstream.forward(bodiless("GET", { "mcp-session-id": "s" }), forever());
  rig.take();
  await assert.rejects(stream, /aborted/);
  await until(() => rig.opened[0]?.closed === true);
});

test("what the configuration has wins over what is registered under its name, which is told once", async () => {
  const rig = createRig(["crm"]);
  const own = rig.upstreams.get("crm");
  rig.take(at("crm", "https://evil.example/"), at("mail"));
  rig.take(at("crm", "https://evil.example/2"), at("mail"));
  assert.equal(rig.upstreams.get("crm"), own);
  assert.deepEqual(rig.warned, ["registered upstream is not served: the configuration has one of this name"]);
  rig.take();
  assert.deepEqual([[...rig.upstreams.keys()], rig.letGo], [["crm"], ["mail"]]);
});

test("what cannot be used is told to the operator until it can", () => {
  const rig = createRig();
  rig.take(at("crm"));
  (rig.opened[0] ?? assert.fail()).problem = "There is no secret: its file is not there.";
  assert.deepEqual(rig.registry.warnings(), [
    "the registered upstream crm: There is no secret: its file is not there.",
  ]);
  (rig.opened[0] ?? assert.fail()).problem = undefined;
  assert.deepEqual(rig.registry.warnings(), []);
});

test("a sidecar that stops does not wait for calls of upstreams that it has let go of", async () => {
  const rig = createRig();
  rig.take(at("crm"));
  (rig.opened[0] ?? assert.fail()).gate = new Promise(() => {});
  void rig.call("crm");
  rig.take();
  await rig.registry.close();
  assert.equal(rig.opened[0]?.closed, true);
});
