import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ARG_VALUES_DEPTH_MAX,
  AuditEvent,
  type CallOutcome,
  EVENT_BYTES_MAX,
  type JsonValue,
} from "@postern/contracts";
import type { Fault } from "@postern/fault";
import fc from "fast-check";
import { SHORTENED } from "./arg-values.ts";
import { canonicalize } from "./canonical.ts";
import { buildEvent, closeIntent } from "./event.ts";
import { fitEvent } from "./fit-event.ts";
import { sampleEvent } from "./sample-event.ts";

const bytesOf = (event: AuditEvent) => Buffer.byteLength(canonicalize(event as JsonValue));
const stringFields = Object.entries(AuditEvent.shape).flatMap(([name, field]) =>
  "maxLength" in field && typeof field.maxLength === "number" ? [name] : [],
);

test("a built event has every field, in canonical order", () => {
  const event = sampleEvent(1);
  const { obligations: _, ...shape } = AuditEvent.shape;
  assert.deepEqual(Object.keys(event), Object.keys(shape).sort());
  assert.deepEqual(AuditEvent.parse(event), event);
});

test("what obligations did is in the event only if they did something, to the request and to the answer", () => {
  const done = "request:pii_filter:email:redact=1";
  const more = "response:pii_filter:iban:redact=2";
  const outcome = {
    outcome: "executed",
    reason: "",
    latency_ms: 1,
    upstream_status: 200,
    cost_micros: 0,
  } as const;
  assert.equal(
    Object.hasOwn(closeIntent(buildEvent({ ...sampleEvent(1), obligations: [] }), outcome), "obligations"),
    false,
  );
  const closed = closeIntent(buildEvent({ ...sampleEvent(1), obligations: [done] }), {
    ...outcome,
    obligations: [more],
  });
  assert.deepEqual(closed.obligations, [done, more]);
  assert.deepEqual(AuditEvent.parse(closed), closed);
  const many = buildEvent({ ...sampleEvent(1), obligations: Array(100).fill("x".repeat(200)) });
  assert.ok(AuditEvent.safeParse(many).success);
});

test("an event with a wrong id, tenant, time or number is refused", () => {
  const wrong: Partial<AuditEvent>[] = [
    { event_id: "" },
    { event_id: "a b" },
    { tenant: "Acme" },
    { ts: "yesterday" },
    { latency_ms: 1.5 },
    { cost_micros: -1 },
    { upstream_status: Number.NaN },
  ];
  for (const fields of wrong) {
    assert.throws(
      () => buildEvent({ ...sampleEvent(1), ...fields }),
      (fault: { code?: string }) => ["audit.event", "audit.not_canonical"].includes(fault.code ?? ""),
    );
  }
});

test("an event that fits is left as it is", () => {
  const event = sampleEvent(1, { reason: "no", arg_keys: ["a"], arg_values: { a: 1 } });
  assert.deepEqual(fitEvent(event), event);
});

test("a text that is too long is cut and marked, and half a character becomes U+FFFD", () => {
  const event = fitEvent({
    ...sampleEvent(1),
    reason: "x".repeat(5000),
    tool: `${"y".repeat(254)}\u{1f600}z`,
  });
  assert.equal(event.reason, `${"x".repeat(2047)}${SHORTENED}`);
  assert.equal(event.tool, `${"y".repeat(254)}\ufffd${SHORTENED}`);
});

test("the longest event that can be asked for is made to fit", () => {
  // A control character takes six bytes in JSON.
  const worst = { ...sampleEvent(1) };
  const long = "\u0001".repeat(70_000);
  for (const name of stringFields) Object.assign(worst, { [name]: long });
  const event = buildEvent({
    ...worst,
    arg_keys: Array(5000).fill(long),
    arg_values: { a: long },
    reasons: Array(500).fill(long),
    tenant: "a".repeat(63),
    event_id: "e".repeat(128),
    cost_micros: Number.MAX_SAFE_INTEGER,
    latency_ms: Number.MAX_SAFE_INTEGER,
    sidecar_sequence: Number.MAX_SAFE_INTEGER,
  });
  assert.ok(bytesOf(event) <= EVENT_BYTES_MAX, `${bytesOf(event)}`);
  assert.equal(event.arg_keys.at(-1), SHORTENED);
  assert.deepEqual(event.arg_values, { [SHORTENED]: "420008 bytes left out" });
});

test("argument values go before argument keys, and keys from the end", () => {
  const arg_keys = Array.from({ length: 500 }, (_, at) => `${at}-${"k".repeat(100)}`);
  const event = fitEvent({ ...sampleEvent(1), arg_keys, arg_values: { a: "v" }, reason: "kept" });
  assert.deepEqual(event.arg_values, { [SHORTENED]: "9 bytes left out" });
  assert.ok(event.arg_keys.length > 250);
  assert.deepEqual(event.arg_keys.slice(0, -1), arg_keys.slice(0, event.arg_keys.length - 1));
  assert.equal(event.arg_keys.at(-1), SHORTENED);
  assert.equal(event.reason, "kept");
  assert.ok(bytesOf(event) <= EVENT_BYTES_MAX && bytesOf(event) > EVENT_BYTES_MAX - 200);
});

test("argument values with a key named __proto__ are left out, at any depth", () => {
  const hostile = JSON.parse('{"a":[{"__proto__":{"b":1}}]}') as AuditEvent["arg_values"];
  assert.deepEqual(Object.keys(fitEvent({ ...sampleEvent(1), arg_values: hostile }).arg_values), [SHORTENED]);
  const harmless = { a: '"__proto__":' };
  assert.deepEqual(fitEvent({ ...sampleEvent(1), arg_values: harmless }).arg_values, harmless);
});

/** `depth` arrays in one another. */
const nested = (depth: number): JsonValue => JSON.parse("[".repeat(depth) + "]".repeat(depth));

test("argument values are cut where they are nested too deeply, and what is above stays", () => {
  const arg_values = { deep: nested(400), kept: nested(ARG_VALUES_DEPTH_MAX - 1), flat: 1 };
  const event = buildEvent({ ...sampleEvent(1), arg_values: arg_values as AuditEvent["arg_values"] });
  let innermost: unknown = event.arg_values.deep;
  for (let depth = 2; depth < ARG_VALUES_DEPTH_MAX; depth += 1) innermost = (innermost as unknown[])[0];
  assert.deepEqual(innermost, [SHORTENED]);
  assert.deepEqual([event.arg_values.kept, event.arg_values.flat], [arg_values.kept, 1]);
  assert.deepEqual(fitEvent(event), event);
  assert.ok(!AuditEvent.safeParse({ ...event, arg_values }).success, "the schema knows the bound too");
});

test("NUL, half characters and numbers without end become what every reader and every database can keep", () => {
  const event = buildEvent({
    ...sampleEvent(1),
    tool: "a\0b",
    arg_keys: ["\0"],
    arg_values: { "\ud800": "\udfff", huge: Number.POSITIVE_INFINITY, nul: "\0" },
  });
  assert.deepEqual([event.tool, event.arg_keys], ["a\ufffdb", ["\ufffd"]]);
  assert.deepEqual(event.arg_values, { "\ufffd": "\ufffd", huge: null, nul: "\0" });
});

test("whatever texts and lists come, the event is valid, within bounds, and the same when fitted again", () => {
  const text = fc.string({ unit: "binary", maxLength: 3000, size: "max" });
  const fields = fc.record({
    reason: text,
    intent_summary: text,
    tool: text,
    agent_id: text,
    arg_keys: fc.array(text, { maxLength: 60, size: "max" }),
    arg_values: fc.dictionary(
      fc.string({ unit: "binary" }),
      fc.oneof(fc.jsonValue(), fc.integer({ min: 1, max: 300 }).map(nested), text),
    ) as fc.Arbitrary<AuditEvent["arg_values"]>,
    reasons: fc.array(fc.string(), { maxLength: 40, size: "max" }),
  });
  fc.assert(
    fc.property(fields, (given) => {
      const event = fitEvent({ ...sampleEvent(1), ...given });
      assert.ok(AuditEvent.safeParse(event).success);
      assert.ok(bytesOf(event) <= EVENT_BYTES_MAX);
      assert.deepEqual(fitEvent(event), event);
    }),
    { numRuns: 60 },
  );
});

test("an intent and its outcome make one event", () => {
  const intent = sampleEvent(1, { outcome: "unknown", reason: "allowed by rule", cost_micros: 9 });
  const outcome: CallOutcome = {
    outcome: "failed",
    reason: "",
    latency_ms: 5,
    upstream_status: 502,
    cost_micros: 3,
  };
  const closed = closeIntent(intent, outcome);
  assert.deepEqual(closed, { ...intent, ...outcome, reason: "allowed by rule" });
  assert.equal(closeIntent(intent, { ...outcome, reason: "timed out" }).reason, "timed out");
});

test("whatever fields come, what is built is what the schema takes, and what the schema does not take is refused", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string({ unit: "binary", minLength: 250, maxLength: 2100, size: "max" }),
  );
  const id = fc.oneof(text, fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,130}$/));
  const instant = fc.oneof(
    text,
    fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
    fc.constantFrom(
      "2026-02-29T00:00:00.000Z",
      "2024-02-29T23:59:59Z",
      "2026-11-22T10:00:00+01:00",
      "2026-13-01T00:00:00.000Z",
    ),
    fc.constantFrom(
      "2026-04-31T00:00:00.000Z",
      "2026-01-01T24:00:00.000Z",
      `2026-01-01T00:00:00.${"1".repeat(40_000)}Z`,
    ),
  );
  const count = fc.oneof(
    fc.nat(),
    fc.double(),
    fc.constantFrom(-0, -1, 2 ** 53, Number.MAX_SAFE_INTEGER, Number.NaN),
  );
  const members = {
    ...Object.fromEntries(stringFields.map((name) => [name, text])),
    event_id: id,
    tenant: fc.oneof(id, fc.stringMatching(/^[a-z0-9-]{1,64}$/)),
    ts: instant,
    schema_version: fc.constantFrom("v4", "v5"),
    decision: fc.constantFrom("allow", "block", "escalate", "perhaps"),
    outcome: fc.constantFrom("executed", "failed", "unknown", "none", ""),
    caveat_count: count,
    cost_micros: count,
    latency_ms: count,
    policy_revision: count,
    sidecar_epoch: count,
    sidecar_sequence: count,
    upstream_status: count,
    degraded: fc.constantFrom<unknown>(true, false, 0),
    requires_step_up: fc.constantFrom<unknown>(true, false, "yes"),
    arg_keys: fc.array(text),
    reasons: fc.array(text),
    obligations: fc.array(text),
    arg_values: fc.dictionary(fc.string({ unit: "binary" }), fc.jsonValue()),
  };
  assert.deepEqual(Object.keys(members).sort(), Object.keys(AuditEvent.shape).sort());
  // A few wild members in a sound event, so that they do not all hide behind the first wrong one.
  const member = fc.oneof(
    ...Object.entries(members).map(([name, value]) =>
      fc.tuple(fc.constant(name), value as fc.Arbitrary<unknown>),
    ),
  );
  const isRight = (event: AuditEvent) => {
    try {
      return AuditEvent.safeParse(fitEvent(event)).success && bytesOf(fitEvent(event)) <= EVENT_BYTES_MAX;
    } catch (caught) {
      return assert.equal((caught as Fault).code, "audit.not_canonical");
    }
  };
  let built = 0;
  fc.assert(
    fc.property(fc.array(member, { minLength: 1, maxLength: 3 }), (wild) => {
      const given = { ...sampleEvent(1), ...Object.fromEntries(wild) } as AuditEvent;
      if (!isRight(given)) return assert.throws(() => buildEvent(given), { kind: "invalid" });
      const event = buildEvent(given);
      built += 1;
      assert.ok(AuditEvent.safeParse(event).success);
      assert.deepEqual(
        [...new Set([...Object.keys(event), "obligations"])].sort(),
        Object.keys(members).sort(),
      );
      assert.ok(bytesOf(event) <= EVENT_BYTES_MAX);
    }),
    { numRuns: 1000 },
  );
  assert.ok(built > 300, `${built}`);
});

test("fields that are left out are blank, and fields that no event has are left out", () => {
  const { ts, event, decision, tenant, tool, event_id, outcome } = sampleEvent(1);
  const given = { ts, event, decision, tenant, tool, event_id, outcome, zebra: 1 };
  assert.deepEqual(buildEvent(given), { ...sampleEvent(1), agent_id: "" });
});
