// However a call ends (its caller leaves at any moment, its tool server breaks off, falls silent or says too much), what reached the tool server
// is one event that says how it ended, and what has no event never reached it.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { AuditEvent } from "@postern/contracts";
import { eventually } from "../e2e/stack.ts";
import { startHostileStack } from "./hostile-stack.ts";
import { bearer, callBody, denialOf, JSON_TYPE, modernBody, modernHead } from "./message.ts";
import { leave, request } from "./raw-http.ts";

const stack = await startHostileStack(
  { after },
  {
    env: {
      POSTERN_RESPONSE_BYTES_MAX: "65536",
      POSTERN_UPSTREAM_TIMEOUT_MS: "1000",
      POSTERN_CIRCUIT_FAILURES: "0",
    },
  },
);
const { port, token, upstream } = stack;

const ERAS = {
  legacy: (tool: string, nonce: string) => ({
    head: [] as string[],
    body: callBody(tool, { nonce, delayMs: 200 }),
  }),
  modern: (tool: string, nonce: string) => ({
    head: modernHead("tools/call", tool),
    body: modernBody("tools/call", { name: tool, arguments: { nonce, delayMs: 200 } }),
  }),
} as const;
type Era = keyof typeof ERAS;
const DOORS = ["/v1/mcp", "/v1/tool-call"] as const;

function bytesOf(era: Era, tool: string, nonce: string, target: string = DOORS[0]): Buffer {
  const { head, body } = ERAS[era](tool, nonce);
  return request({ target, head: [bearer(token), JSON_TYPE, `X-Request-Id: ${nonce}`, ...head], body });
}

/** Arrivals of the call with this nonce. */
const arrivalsOf = (nonce: string) =>
  upstream.arrivals.filter(({ body, method }) => method === "tools/call" && body.includes(`"${nonce}"`));
const arrived = (nonce: string) =>
  eventually(async () => {
    assert.equal(arrivalsOf(nonce).length, 1);
    return true;
  });

/** Outcomes that each nonce's event may have; undefined: there must be none. */
const expected = new Map<string, readonly string[] | undefined>();

test("a caller that leaves before its request is whole never was there", async () => {
  for (const era of ["legacy", "modern"] as const) {
    const whole = bytesOf(era, "record", `unfinished-${era}`);
    const headEnd = whole.indexOf("\r\n\r\n");
    for (const cut of [1, 20, headEnd, headEnd + 4, headEnd + 10, whole.byteLength - 1]) {
      await leave(port, whole.subarray(0, cut), () => true);
    }
    expected.set(`unfinished-${era}`, undefined);
  }
});

for (const target of DOORS) {
  for (const era of ["legacy", "modern"] as const) {
    const name = (stage: string) => `${stage}-${era}-${DOORS.indexOf(target)}`;

    test(`a caller that leaves while its call runs is told to the tool server, and the outcome says so: ${era} at ${target}`, async () => {
      const nonce = name("running");
      await leave(port, bytesOf(era, "hang", nonce, target), () => arrived(nonce));
      await arrivalsOf(nonce)[0]?.over;
      expected.set(nonce, ["failed"]);
    });

    test(`a caller that leaves in the middle of a stream has one outcome: ${era} at ${target}`, async () => {
      const nonce = name("streaming");
      const answer = (got: string) => (target === DOORS[0] ? got.includes("data: ") : arrived(nonce));
      await leave(port, bytesOf(era, "stream", nonce, target), answer);
      expected.set(nonce, ["failed", "executed"]);
    });

    test(`a caller that leaves without reading its answer has one outcome: ${era} at ${target}`, async () => {
      const nonce = name("answered");
      await leave(port, bytesOf(era, "record", nonce, target), (got) => got.startsWith("HTTP/1.1 200"));
      expected.set(nonce, ["executed"]);
    });
  }
}

test("callers that leave at every moment, many at once, leave one event for each call that ran and none that did not", async () => {
  await Promise.all(
    Array.from({ length: 150 }, async (_, at) => {
      const nonce = `moment-${at}`;
      const tool = ["record", "late", "stream"][at % 3] ?? "";
      const delayMs = (at * 7) % 60;
      const pause = new Promise<boolean>((resolve) => setTimeout(() => resolve(true), delayMs));
      await leave(port, bytesOf(at % 2 === 0 ? "legacy" : "modern", tool, nonce), () => pause);
    }),
  );
});

const BROKEN: readonly (readonly [tool: string, reason: string])[] = [
  ["drop", "upstream.unavailable"],
  ["huge", "upstream.protocol"],
  ["redirect", "upstream.protocol"],
  ["hang", "upstream.timeout"],
];
for (const [tool, reason] of BROKEN) {
  test(`a tool server that breaks the exchange has one outcome, and its caller a reason: ${tool}`, async () => {
    for (const era of ["legacy", "modern"] as const) {
      const nonce = `${tool}-${era}`;
      const { head, body } = ERAS[era](tool, nonce);
      const answer = await stack.ask({ head: [`X-Request-Id: ${nonce}`, ...head], body });
      assert.deepEqual([answer.status, denialOf(answer)?.code], [200, -32018], answer.body.toString());
      assert.equal(denialOf(answer)?.reason, reason);
      expected.set(nonce, ["failed"]);
    }
  });
}

test("no redirect was followed", () => {
  assert.ok(upstream.arrivals.every(({ target }) => target === "/mcp"));
});

test("a stream that its tool server breaks off is broken off for the caller too, and the outcome says so", async () => {
  for (const era of ["legacy", "modern"] as const) {
    const got = await leave(port, bytesOf(era, "half", `half-${era}`), () => false);
    assert.ok(got.startsWith("HTTP/1.1 200") && !got.includes("\r\n0\r\n\r\n"), got);
    expected.set(`half-${era}`, ["failed"]);
  }
});

test("each call that reached the tool server is one event with an outcome, and nothing else is any", async () => {
  const events = await eventually(async () => {
    const found = await stack.events();
    const open = found.filter(({ decision, outcome }) => decision === "allow" && outcome === "unknown");
    assert.deepEqual(
      open.map(({ request_id }) => request_id),
      [],
      "every outcome has arrived",
    );
    return found;
  }, 60_000);
  const byRequest = new Map<string, AuditEvent[]>();
  for (const event of events)
    byRequest.set(event.request_id, [...(byRequest.get(event.request_id) ?? []), event]);
  for (const [nonce, outcomes] of expected) {
    const found = byRequest.get(nonce) ?? [];
    assert.equal(found.length, outcomes === undefined ? 0 : 1, nonce);
    const [{ outcome, reason } = {}] = found;
    if (outcomes !== undefined) assert.ok(outcomes.includes(outcome ?? ""), `${nonce}: ${outcome} ${reason}`);
    assert.equal(arrivalsOf(nonce).length, outcomes === undefined ? 0 : 1, nonce);
  }
  for (let at = 0; at < 150; at += 1) {
    const nonce = `moment-${at}`;
    const found = byRequest.get(nonce) ?? [];
    const ran = arrivalsOf(nonce).length;
    assert.ok(found.length <= 1 && ran <= found.length, `${nonce}: ${ran} arrivals, ${found.length} events`);
    if (ran === 0 && found[0] !== undefined) assert.match(found[0].reason, /was not sent/, nonce);
  }
});
