import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readTraceContext, traceParentOf } from "./trace-context.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";
const GOOD = `00-${TRACE}-${SPAN}-01`;

test("a well-formed context is read, and only its sampled flag is kept of the flags", () => {
  assert.deepEqual(readTraceContext(GOOD, "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"), {
    traceId: TRACE,
    spanId: SPAN,
    isSampled: true,
    state: "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE",
  });
  for (const [flags, sent] of [
    ["00", "00"],
    ["01", "01"],
    ["02", "00"],
    ["03", "01"],
    ["ff", "01"],
    ["fe", "00"],
  ]) {
    const context = readTraceContext(`00-${TRACE}-${SPAN}-${flags}`, undefined);
    assert.equal(context && traceParentOf(context), `00-${TRACE}-${SPAN}-${sent}`);
  }
});

const HOSTILE: Readonly<Record<string, unknown>> = {
  absent: undefined,
  null: null,
  "a number": 1,
  "an object": { traceparent: GOOD },
  "an array": [GOOD],
  empty: "",
  "a later version": `01-${TRACE}-${SPAN}-01`,
  "the forbidden version": `ff-${TRACE}-${SPAN}-01`,
  "capitals in the trace id": `00-${TRACE.toUpperCase()}-${SPAN}-01`,
  "capitals in the span id": `00-${TRACE}-${SPAN.toUpperCase()}-01`,
  "capitals in the flags": `00-${TRACE}-${SPAN}-0A`,
  "a trace id of zeroes": `00-${"0".repeat(32)}-${SPAN}-01`,
  "a span id of zeroes": `00-${TRACE}-${"0".repeat(16)}-01`,
  "a short trace id": `00-${TRACE.slice(1)}-${SPAN}-01`,
  "a long trace id": `00-${TRACE}0-${SPAN}-01`,
  "a short span id": `00-${TRACE}-${SPAN.slice(1)}-01`,
  "a long span id": `00-${TRACE}-${SPAN}0-01`,
  "short flags": `00-${TRACE}-${SPAN}-1`,
  "no flags": `00-${TRACE}-${SPAN}`,
  "one part more": `${GOOD}-00`,
  "a trailing hyphen": `${GOOD}-`,
  "a blank before": ` ${GOOD}`,
  "a blank after": `${GOOD} `,
  "a line end": `${GOOD}\n`,
  "a second line": `${GOOD}\n${GOOD}`,
  "two of them": `${GOOD},${GOOD}`,
  "no hexadecimal digits": `00-${"g".repeat(32)}-${SPAN}-01`,
  "digits of another script": `00-${"٠".repeat(32)}-${SPAN}-01`,
  "full-width digits": `00-${"１".repeat(32)}-${SPAN}-01`,
  "a NUL": `00-${TRACE}-${SPAN}-0\0`,
  "underscores for hyphens": GOOD.replaceAll("-", "_"),
  "a script": "<script>alert(1)</script>",
  "very long": "0".repeat(1_000_000),
};

for (const [what, parent] of Object.entries(HOSTILE)) {
  test(`a traceparent is no context: ${what}`, () => {
    assert.equal(readTraceContext(parent, "a=b"), undefined);
  });
}

test("a tracestate that breaks a rule is dropped whole, and the parent stays", () => {
  const member = (n: number) => `k${n}=v`;
  const broken: readonly unknown[] = [
    1,
    ["a=b"],
    "a",
    "a=",
    "=b",
    "a=b,a=c",
    "A=b",
    "1a=b",
    "a b=c",
    "a=b=c",
    "a=b;c,d",
    "a=é",
    "a=b\n",
    "a=b\r\nx: y",
    "a=\u0000",
    `${"k".repeat(257)}=v`,
    `a=${"v".repeat(257)}`,
    "@a=b",
    "a@=b",
    "a@b@c=d",
    `a@${"b".repeat(15)}=c`,
    Array.from({ length: 33 }, (_, n) => member(n)).join(","),
    `a=${"v".repeat(250)},b=${"v".repeat(250)},c=${"v".repeat(10)}`,
  ];
  for (const state of broken) {
    assert.equal(readTraceContext(GOOD, state)?.state, "", JSON.stringify(state).slice(0, 60));
  }
});

test("a tracestate within the rules is sent on, without the blanks around its members", () => {
  const kept: readonly (readonly [string, string])[] = [
    ["", ""],
    ["a=b", "a=b"],
    [" a=b ,\tc=d,,", "a=b,c=d"],
    ["fw529a3039@dt=FfAAAAAB;x~!", "fw529a3039@dt=FfAAAAAB;x~!"],
    ["a_-*/0= b", "a_-*/0= b"],
    [
      Array.from({ length: 32 }, (_, n) => `k${n}=v`).join(","),
      Array.from({ length: 32 }, (_, n) => `k${n}=v`).join(","),
    ],
  ];
  for (const [sent, state] of kept) assert.equal(readTraceContext(GOOD, sent)?.state, state);
});

test("whatever is read can be sent and read again", () => {
  const text = fc.oneof(fc.string(), fc.stringMatching(/^0[01]-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/));
  fc.assert(
    fc.property(text, fc.string(), (parent, state) => {
      const context = readTraceContext(parent, state);
      if (context !== undefined)
        assert.deepEqual(readTraceContext(traceParentOf(context), context.state), context);
    }),
  );
});
