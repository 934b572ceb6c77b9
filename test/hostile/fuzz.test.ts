// Arbitrary requests at the real sidecar, made of well-formed ones: it lives, every answer is well-formed and every 5xx has a reason, and each
// request that reached the tool server is one event that says so, of something that the policy opens.
//
// About 20 seconds by default. FUZZ_RUNS=100000 makes that many runs however long they take, FAST_CHECK_SEED chooses others; a failure prints
// seed, path and mutations, and the bytes that were sent.
import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, test } from "node:test";
import type { AuditEvent, JsonObject } from "@postern/contracts";
import { findMethod } from "@postern/mcp";
import fc from "fast-check";
import { eventually } from "../e2e/stack.ts";
import { isOpen, startHostileStack } from "./hostile-stack.ts";
import { type Mutation, mutate, mutations } from "./mutation.ts";
import { type Answer, readAnswers } from "./raw-http.ts";
import type { Arrival } from "./recording-upstream.ts";
import { type Reading, readAgain } from "./second-reader.ts";
import { readSeeds } from "./seeds.ts";

const stack = await startHostileStack(
  { after },
  { env: { POSTERN_BODY_TIMEOUT_MS: "300", POSTERN_SESSIONS_PER_TOKEN_MAX: "100000" } },
);
const { port, token, upstream, sidecar } = stack;
const { seeds, hasSuite } = readSeeds();
const runsMax = Number(process.env.FUZZ_RUNS ?? 0);

interface Run {
  readonly requestIds: readonly string[];
  readonly arrivals: readonly Arrival[];
}
const runs: Run[] = [];

/** Sends bytes; gives all that comes back until the other side ends, or has said a whole answer and nothing for a while. */
function send(bytes: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes));
    const end = () => socket.destroy();
    const late = setTimeout(() => reject(new Error("no answer within 20 s")), 20_000);
    let idle = setTimeout(() => {}, 0);
    socket.on("data", (piece: Buffer) => {
      pieces.push(piece);
      clearTimeout(idle);
      idle = setTimeout(end, 400);
    });
    socket.on("error", () => {});
    socket.once("close", () => {
      clearTimeout(late);
      clearTimeout(idle);
      resolve(Buffer.concat(pieces));
    });
  });
}

function assertWellFormed({ status, headers, body }: Answer): void {
  const type = headers.get("content-type") ?? "";
  const text = body.toString();
  if (text === "") {
    assert.ok(status < 500 || status === 505, `status ${status} without a reason`);
    return;
  }
  if (type.startsWith("text/event-stream")) {
    for (const line of text.split("\n").filter((each) => each.startsWith("data: ")))
      assertRpc(JSON.parse(line.slice(6)));
    return;
  }
  assert.equal(type, "application/json", `${status} ${text.slice(0, 200)}`);
  const value = JSON.parse(text) as JsonObject;
  if (value.jsonrpc === undefined) {
    assert.ok("error" in value || "status" in value || "ready" in value, text);
    return;
  }
  assertRpc(value);
  const { error } = value as { error?: { code: number; data?: { reason?: string } } };
  if (status >= 400) assert.ok(error !== undefined, "a status of refusal comes with an error");
  if (status >= 500) assert.ok((error?.data?.reason ?? "") !== "", "a 5xx says why");
}

function assertRpc(value: JsonObject): void {
  assert.equal(value.jsonrpc, "2.0");
  const { error } = value as { error?: { code?: number; message?: string } };
  if (error === undefined) assert.ok("result" in value || "method" in value);
  else assert.ok(Number.isInteger(error.code) && typeof error.message === "string");
}

async function run(seed: number, steps: readonly Mutation[]): Promise<void> {
  const bytes = mutate(seeds[seed % seeds.length] ?? assert.fail(), steps, token, `fuzz-${runs.length}`);
  upstream.fresh();
  try {
    const got = await send(bytes);
    const answers = readAnswers(got);
    for (const answer of answers) assertWellFormed(answer);
    const isSilent = bytes.toString("latin1").startsWith("CONNECT ");
    assert.ok(answers.length > 0 || isSilent, "there is an answer");
    const requestIds = answers.flatMap(({ headers }) => headers.get("x-request-id") ?? []);
    runs.push({ requestIds, arrivals: upstream.fresh() });
  } catch (caught) {
    const shown = JSON.stringify(bytes.toString("latin1").slice(0, 4_000));
    throw new Error(`${String(caught)}\nsent: ${shown}`, { cause: caught });
  }
}

/** Asks for something, so that it was judged and has an event of its own. */
const isJudged = ({ verb, method, message }: Arrival) =>
  verb === "POST" && message?.method !== undefined && findMethod(method)?.rule === "judge";

/** A request whose bytes go on behind its end costs its sender the answer, and its call is given up before it is sent. */
const isSent = ({ outcome, reason }: AuditEvent) => outcome !== "failed" || !reason.includes("was not sent");

test("the seeds are taken as they are: every method of every era, unchanged", async (t) => {
  if (!hasSuite) t.diagnostic("official vectors not found: json-parsing (fuzzing goes on without them)");
  for (const [at] of seeds.entries()) await run(at, []);
  assert.ok(runs.some(({ arrivals }) => arrivals.length > 0));
});

test("whatever is made of a request, the sidecar lives and answers well", {
  timeout: 86_400_000,
}, async (t) => {
  const { pid } = sidecar.process;
  const startedMs = performance.now();
  const property = fc.asyncProperty(fc.nat({ max: seeds.length - 1 }), mutations, run);
  await fc.assert(property, {
    ...(runsMax > 0 ? { numRuns: runsMax } : { numRuns: 1_000_000, interruptAfterTimeLimit: 20_000 }),
    endOnFailure: runsMax > 0,
  });
  const took = (performance.now() - startedMs) / 1000;
  assert.equal((await fetch(`${sidecar.url}/healthz`)).status, 200);
  process.kill(pid, 0);
  const passed = runs.filter(({ arrivals }) => arrivals.length > 0).length;
  t.diagnostic(`${runs.length} requests in ${took.toFixed(0)} s, ${passed} of them reached the tool server`);
  assert.doesNotMatch(sidecar.process.stdout() + sidecar.process.stderr(), /"level":"error"/);
});

test("each request that reached the tool server is one event with an outcome, and the policy opens what it asked for", async (t) => {
  const events = await eventually(async () => {
    const found = await stack.events();
    assert.ok(found.every(({ decision, outcome }) => decision !== "allow" || outcome !== "unknown"));
    return found;
  }, 60_000);
  const byRequest = new Map<string, AuditEvent[]>();
  for (const event of events) {
    const known = byRequest.get(event.request_id);
    if (known === undefined) byRequest.set(event.request_id, [event]);
    else known.push(event);
  }
  const allowed = events.filter(({ decision }) => decision === "allow");
  for (const { tool, arg_values, request_id } of allowed)
    assert.ok(isOpen(tool, arg_values), `${request_id}: ${tool} ${JSON.stringify(arg_values)}`);
  const pairs: { event: AuditEvent; body: Buffer }[] = [];
  for (const { requestIds, arrivals } of runs) {
    const judged = arrivals.filter(isJudged);
    const told = [...new Set(requestIds)]
      .flatMap((id) => byRequest.get(id) ?? [])
      .filter(({ decision }) => decision === "allow");
    const sent = told.filter(isSent);
    assert.equal(judged.length, sent.length, `${requestIds}: ${judged.map(({ body }) => body)}`);
    const [arrival] = judged;
    const [event] = sent;
    if (judged.length === 1 && arrival !== undefined && event !== undefined)
      pairs.push({ event, body: arrival.body });
  }
  assert.equal(
    allowed.filter(isSent).length,
    runs.flatMap(({ arrivals }) => arrivals.filter(isJudged)).length,
  );
  compareReadings(t, pairs);
});

/** The second reader finds in what went through what the event says was judged. */
function compareReadings(
  t: { skip(why: string): void; diagnostic(text: string): void },
  pairs: readonly { readonly event: AuditEvent; readonly body: Buffer }[],
): void {
  const readings = readAgain(pairs.map(({ body }) => body));
  if (readings === undefined) {
    t.skip("python3 not found: no second opinion on what passed");
    return;
  }
  for (const [at, { event, body }] of pairs.entries()) {
    const reading: Reading = readings[at];
    assert.ok(reading !== undefined, `the second reader refuses what passed: ${body}`);
    assert.equal(event.method, reading.method);
    if (reading.method !== "tools/call") continue;
    assert.equal(event.tool, reading.name);
    const keys: string[] = Object.keys(reading.args);
    if (keys.length < 1_000)
      assert.deepEqual([...event.arg_keys].sort(), keys.map((key) => shortened(key)).sort());
  }
  t.diagnostic(`${pairs.length} bodies read alike by both`);
}

/** As events cut names. */
const shortened = (key: string) => (key.length <= 256 ? key : `${key.slice(0, 255).toWellFormed()}…`);
