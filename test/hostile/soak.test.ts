// Memory stays flat over calls of every kind: what is left after a full collection does not grow with their number.
//
// 20,000 calls by default; SOAK_CALLS=1000000 makes it a long one.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Pool } from "undici";
import { startHostileStack } from "./hostile-stack.ts";
import { callBody, MODERN_VERSION, modernBody, requestBody } from "./message.ts";

const CALLS = Number(process.env.SOAK_CALLS ?? 20_000);
const SAMPLES = 5;
const CALLERS = 32;
/** A leak of one event for each call would be ten times as much in the default run. */
const GROWTH_MIB_MAX = 4;
const PROBE = fileURLToPath(new URL("../load/memory-probe.ts", import.meta.url));

const stack = await startHostileStack(
  { after },
  {
    env: (url) => ({
      POSTERN_UPSTREAM_URL: url,
      POSTERN_AUDIT_ARG_VALUES: "keys",
      POSTERN_SPOOL_BYTES_MAX: String(16 * 1024 ** 3),
      NODE_OPTIONS: `--import ${PROBE}`,
    }),
  },
);
const { sidecar, token, upstream } = stack;

interface Call {
  readonly headers?: Readonly<Record<string, string>>;
  readonly path?: string;
  readonly body: string;
  readonly status: number;
}

const modern = (method: string, name: string) => ({
  "mcp-protocol-version": MODERN_VERSION,
  "mcp-method": method,
  "mcp-name": name,
});

/** Allowed, streamed, refused at each check, broken, listed; with and without an intent; each with a nonce of its own. */
function callOf(at: number): Call {
  const nonce = `soak-${at}-${"x".repeat(at % 300)}`;
  const allowed = callBody("record", { nonce }, at);
  switch (at % 12) {
    case 0:
      return { body: callBody("forbidden", { nonce }, at), status: 200 };
    case 1:
      return { body: allowed.slice(0, -1), status: 400 };
    case 2:
      return { body: allowed, headers: { authorization: `Bearer ${token.slice(0, -8)}${at}` }, status: 200 };
    case 3:
      return { body: requestBody("tools/list", {}, at), status: 200 };
    case 4:
      return { body: requestBody("resources/read", { uri: `doc://open/${nonce}` }, at), status: 200 };
    case 5:
      // Ids of tasks are remembered, 10,000 of them: a long run would show that table being filled.
      return {
        body: modernBody("tools/call", { name: "task", arguments: { nonce: at % 480 } }, at),
        headers: modern("tools/call", "task"),
        status: 200,
      };
    case 6:
      return { body: allowed, path: "/v1/tool-call", status: 200 };
    case 7:
      return { body: allowed, headers: { "x-intent-prompt": `record the text ${nonce}` }, status: 200 };
    case 8:
      return { body: allowed, headers: { "mcp-session-id": nonce }, status: 404 };
    default:
      return { body: allowed, status: 200 };
  }
}

const pool = new Pool(sidecar.url, { connections: CALLERS });
after(() => pool.close());

async function makeCalls(from: number, to: number): Promise<void> {
  let next = from;
  const caller = async () => {
    while (next < to) {
      const at = next;
      next += 1;
      const { body, headers, path = "/v1/mcp", status } = callOf(at);
      const answer = await pool.request({
        method: "POST",
        path,
        headers: { "content-type": "application/json", authorization: `Bearer ${token}`, ...headers },
        body,
      });
      const text = await answer.body.text();
      assert.equal(answer.statusCode, status, text);
      assert.doesNotMatch(text, /"code":-3201[89]/, "every call found its tool server and could be recorded");
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
  upstream.arrivals.length = 0;
}

/** What the sidecar holds after a full collection, in MiB. */
async function sample(nth: number): Promise<{ heap: number; external: number }> {
  sidecar.process.signal("SIGUSR2");
  const pattern = new RegExp(`^bench memory ${nth} heap ([\\d.]+) external ([\\d.]+)$`, "m");
  const [, heap, external] = await sidecar.process.waitFor(pattern, 60_000);
  return { heap: Number(heap), external: Number(external) };
}

test("memory does not grow with the number of calls", { timeout: 86_400_000 }, async (t) => {
  const samples: { heap: number; external: number }[] = [];
  const startedMs = performance.now();
  for (let nth = 1; nth <= SAMPLES; nth += 1) {
    await makeCalls(Math.round((CALLS * (nth - 1)) / SAMPLES), Math.round((CALLS * nth) / SAMPLES));
    samples.push(await sample(nth));
  }
  const seconds = (performance.now() - startedMs) / 1000;
  const shown = samples.map(({ heap, external }) => `${heap.toFixed(1)}+${external.toFixed(1)}`).join(", ");
  t.diagnostic(`${CALLS} calls in ${seconds.toFixed(0)} s; heap+external MiB at each fifth: ${shown}`);
  const [first, last] = [samples[0], samples.at(-1)];
  assert.ok(first !== undefined && last !== undefined);
  assert.ok(last.heap - first.heap < GROWTH_MIB_MAX, `the heap grew: ${shown}`);
  assert.ok(last.external - first.external < GROWTH_MIB_MAX, `what lies outside the heap grew: ${shown}`);
});
