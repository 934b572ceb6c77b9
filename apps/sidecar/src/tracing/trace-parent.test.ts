import assert from "node:assert/strict";
import { test } from "node:test";
import { callOf, TRACE, TRACEPARENT } from "./memory-tracer.fixture.ts";
import { claimedTrace } from "./trace-parent.ts";

const OTHER = `00-${"b".repeat(32)}-${"c".repeat(16)}-00`;
const own = { traceId: TRACE, spanId: "00f067aa0ba902b7", isSampled: true, state: "" };
const other = { traceId: "b".repeat(32), spanId: "c".repeat(16), isSampled: false, state: "" };

const claim = (meta: object | undefined, headers: Readonly<Record<string, string>> = {}) =>
  claimedTrace({
    message: callOf(meta === undefined ? {} : { _meta: meta }),
    headers: new Map(Object.entries(headers)),
  });

test("the message's own context goes before that of the request, which is kept as a link", () => {
  assert.deepEqual(
    claim({ traceparent: TRACEPARENT, tracestate: "a=b" }, { traceparent: OTHER, tracestate: "c=d" }),
    {
      parent: { ...own, state: "a=b" },
      link: { ...other, state: "c=d" },
    },
  );
  assert.deepEqual(claim({ traceparent: TRACEPARENT }, { traceparent: TRACEPARENT }), {
    parent: own,
    link: undefined,
  });
});

test("the request's context counts where the message has none that is well-formed", () => {
  for (const meta of [undefined, {}, { traceparent: "nonsense" }, { traceparent: 1 }])
    assert.deepEqual(claim(meta, { traceparent: OTHER }), { parent: other, link: undefined });
});

test("a state never travels with the other's parent", () => {
  assert.equal(claim({ traceparent: TRACEPARENT }, { tracestate: "a=b" }).parent?.state, "");
  assert.equal(claim({ tracestate: "a=b" }, { traceparent: OTHER }).parent?.state, "");
});

test("nothing is claimed by nothing, by what every object inherits, or by baggage", () => {
  const nothing = { parent: undefined, link: undefined };
  assert.deepEqual(claim(undefined), nothing);
  assert.deepEqual(claim({ baggage: `traceparent=${TRACEPARENT}` }, { baggage: TRACEPARENT }), nothing);
  assert.deepEqual(claimedTrace({ message: undefined, headers: new Map() }), nothing);
});
