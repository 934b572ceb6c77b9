import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject, PolicyDecision } from "@postern/contracts";
import { compileObligations, type Obligations, refuseTooLarge, SUPPORTED_OBLIGATIONS } from "./index.ts";

const MAIL = "ada@example.com";

function obligationsOf(decision: Omit<PolicyDecision, "allow">): Obligations {
  const compiled = compileObligations({ allow: true, ...decision });
  assert.ok(compiled.ok, compiled.ok ? "" : compiled.problem);
  assert.ok(compiled.obligations !== undefined);
  return compiled.obligations;
}

type Parameters = NonNullable<NonNullable<PolicyDecision["obligations"]>[number]["parameters"]>;

const of = (type: string, parameters: Parameters) => obligationsOf({ obligations: [{ type, parameters }] });

test("a decision that asks for nothing has no obligations", () => {
  const nothing: Omit<PolicyDecision, "allow">[] = [
    {},
    { obligations: [] },
    { pii_filter: { enabled: false, patterns: ["unknown"] } },
    { pii_filter: { enabled: true, default_action: "allow" } },
    { obligations: [{ type: "redact" }] },
    { obligations: [{ type: "pii_filter", parameters: { enabled: false } }] },
  ];
  for (const decision of nothing) {
    assert.deepEqual(compileObligations({ allow: true, ...decision }), { ok: true, obligations: undefined });
  }
});

const problems: readonly [type: string, parameters: Parameters, problem: RegExp][] = [
  ["quarantine", {}, /^quarantine: is no obligation/],
  ["pii_filter", { patterns: "email" }, /^pii_filter: patterns/],
  ["pii_filter", { pattern: [] }, /^pii_filter: /],
  ["pii_filter", { patterns: ["emial"] }, /^pii_filter: "emial"/],
  ["output_schema", { schema: { $ref: "#/x" } }, /^output_schema: the schema refers/],
  ["response_limit", {}, /^response_limit: bytes_max/],
  ["response_limit", { bytes_max: 0 }, /^response_limit: bytes_max/],
  ["response_limit", { bytes_max: 1, bytes_min: 0 }, /^response_limit: .*bytes_min/],
  ["redact", { paths: "/a" }, /^redact: paths/],
  ["redact", { paths: [""] }, /^redact: paths holds/],
  ["redact", { response_paths: [1] }, /^redact: response_paths holds/],
  ["redact", { path: [] }, /^redact: .*"path" is unknown/],
  ["output_schema", { schema: { description: "x".repeat(140_000) } }, /^obligations: are longer/],
];
for (const [type, parameters, problem] of problems) {
  test(`${type} with ${JSON.stringify(parameters).slice(0, 60)} is a problem`, () => {
    const compiled = compileObligations({ allow: true, obligations: [{ type, parameters }] });
    assert.match(compiled.ok ? "" : compiled.problem, problem);
  });
}

test("every supported type is understood, and a decision is compiled once", () => {
  assert.deepEqual([...SUPPORTED_OBLIGATIONS].sort(), [
    "output_schema",
    "pii_filter",
    "redact",
    "response_limit",
  ]);
  const decision: PolicyDecision = { allow: true, pii_filter: { enabled: true } };
  const first = compileObligations(decision);
  assert.equal(compileObligations(decision), first);
  assert.equal(compileObligations({ allow: true, reason: "other", pii_filter: { enabled: true } }), first);
  for (let other = 0; other < 200; other += 1) of("response_limit", { bytes_max: other + 1 });
  assert.notEqual(compileObligations({ allow: true, pii_filter: { enabled: true } }), first);
  assert.equal(compileObligations(decision), first);
});

test("arguments without findings stay the same object", () => {
  const args = { path: "/tmp/x", limit: 10 };
  for (const obligations of [
    of("pii_filter", {}),
    of("redact", { paths: ["/name"] }),
    of("response_limit", { bytes_max: 9 }),
  ]) {
    assert.deepEqual(obligations.applyToRequest(args), { ok: true, args, applied: [] });
    const outcome = obligations.applyToRequest(args);
    assert.equal(outcome.ok && outcome.args, args);
  }
});

test("arguments are redacted at named places and by the filter, and the tally tells no text", () => {
  const obligations = obligationsOf({
    pii_filter: { enabled: true, patterns: ["email"] },
    obligations: [{ type: "redact", parameters: { paths: ["/customer/name"] } }],
  });
  assert.deepEqual(obligations.applyToRequest({ customer: { name: MAIL, mail: MAIL, cc: [MAIL] } }), {
    ok: true,
    args: { customer: { name: "[REDACTED]", mail: "[REDACTED:email]", cc: ["[REDACTED:email]"] } },
    applied: [
      { direction: "request", type: "redact", class: "path", action: "redact", count: 1 },
      { direction: "request", type: "pii_filter", class: "email", action: "redact", count: 2 },
    ],
  });
});

test("arguments that hold a blocked class are refused, and the reason tells the class only", () => {
  const outcome = of("pii_filter", { default_action: "block" }).applyToRequest({ to: MAIL });
  assert.ok(!outcome.ok);
  assert.equal(outcome.reason.code, "pii.request");
  assert.match(outcome.reason.detail, /Found: email\.$/);
  assert.ok(!JSON.stringify(outcome).includes("ada"));
  assert.deepEqual(outcome.applied, [
    { direction: "request", type: "pii_filter", class: "email", action: "block", count: 1 },
  ]);
});

const R = "[REDACTED:email]";
const bodies: readonly [name: string, body: JsonObject, want: JsonObject][] = [
  [
    "text",
    { result: { content: [{ type: "text", text: MAIL }] } },
    { result: { content: [{ type: "text", text: R }] } },
  ],
  [
    "an embedded resource",
    { result: { content: [{ type: "resource", resource: { uri: `mailto:${MAIL}`, text: MAIL } }] } },
    { result: { content: [{ type: "resource", resource: { uri: `mailto:${R}`, text: R } }] } },
  ],
  [
    "a resource link",
    { result: { content: [{ type: "resource_link", uri: "x://", name: MAIL, description: MAIL }] } },
    { result: { content: [{ type: "resource_link", uri: "x://", name: R, description: R }] } },
  ],
  [
    "a resource",
    { result: { contents: [{ uri: "x://", text: MAIL }] } },
    { result: { contents: [{ uri: "x://", text: R }] } },
  ],
  [
    "a prompt",
    { result: { description: MAIL, messages: [{ role: "user", content: { type: "text", text: MAIL } }] } },
    { result: { description: R, messages: [{ role: "user", content: { type: "text", text: R } }] } },
  ],
  [
    "a completion",
    { result: { completion: { values: [MAIL] } } },
    { result: { completion: { values: [R] } } },
  ],
  [
    "_meta",
    { result: { content: [], _meta: { note: MAIL } } },
    { result: { content: [], _meta: { note: R } } },
  ],
  [
    "a question to the user",
    { result: { resultType: "input_required", requestState: MAIL, inputRequests: { a: { message: MAIL } } } },
    { result: { resultType: "input_required", requestState: MAIL, inputRequests: { a: { message: R } } } },
  ],
  [
    "an error",
    { error: { code: -1, message: MAIL, data: { a: [MAIL] } } },
    { error: { code: -1, message: R, data: { a: [R] } } },
  ],
  ["a bare result", { result: MAIL }, { result: R }],
  [
    "a notification",
    { method: "notifications/message", params: { data: MAIL } },
    { method: "notifications/message", params: { data: R } },
  ],
];
for (const [name, body, want] of bodies) {
  test(`the filter reaches ${name} of an answer`, () => {
    const outcome = of("pii_filter", {}).applyToResponse({ jsonrpc: "2.0", ...body });
    assert.deepEqual(outcome.ok && outcome.message, { jsonrpc: "2.0", ...want });
  });
}

test("an answer without findings stays the same object", () => {
  const message: JsonObject = {
    jsonrpc: "2.0",
    id: 1,
    result: { content: [{ type: "text", text: "x" }], nextCursor: MAIL },
  };
  const outcome = of("pii_filter", {}).applyToResponse(message);
  assert.equal(outcome.ok && outcome.message, message);
});

test("a text that mirrors structured content follows it, numbers included", () => {
  const structuredContent = { card: 4111111111111111, mail: MAIL };
  const message = {
    result: {
      content: [{ type: "text", text: JSON.stringify(structuredContent, null, 2) }],
      structuredContent,
    },
  };
  const outcome = of("pii_filter", {}).applyToResponse(message);
  const want = { card: "[REDACTED:credit_card]", mail: R };
  assert.deepEqual(outcome.ok && outcome.message, {
    result: { content: [{ type: "text", text: JSON.stringify(want) }], structuredContent: want },
  });
});

test("named places of an answer are redacted, in the text that mirrors them too", () => {
  const structuredContent = { rows: [{ name: "Ada", salary: 1 }] };
  const message = {
    result: { content: [{ type: "text", text: JSON.stringify(structuredContent) }], structuredContent },
  };
  const outcome = of("redact", { response_paths: ["/structuredContent/rows/*/salary"] }).applyToResponse(
    message,
  );
  const want = { rows: [{ name: "Ada", salary: "[REDACTED]" }] };
  assert.deepEqual(outcome.ok && outcome.message, {
    result: { content: [{ type: "text", text: JSON.stringify(want) }], structuredContent: want },
  });
});

test("an answer that holds a blocked class is refused", () => {
  const outcome = of("pii_filter", { default_action: "block" }).applyToResponse({
    result: { content: [{ type: "text", text: MAIL }] },
  });
  assert.equal(!outcome.ok && outcome.reason.code, "pii.response");
});

test("an answer nested too deeply is refused by the filter and by named places", () => {
  const message = JSON.parse(`{"result":{"x":${"[".repeat(5_000)}${"]".repeat(5_000)}}}`) as JsonObject;
  for (const obligations of [of("pii_filter", {}), of("redact", { response_paths: ["/x"] })]) {
    const outcome = obligations.applyToResponse(message);
    assert.equal(!outcome.ok && outcome.reason.code, "pii.response");
  }
});

test("an answer that does not fit the schema is refused, and the tally says so", () => {
  const outcome = of("output_schema", { schema: { type: "object" } }).applyToResponse({
    result: { structuredContent: 1 },
  });
  assert.ok(!outcome.ok);
  assert.equal(outcome.reason.code, "output_schema.violated");
  assert.deepEqual(outcome.applied, [
    { direction: "response", type: "output_schema", class: "schema", action: "block", count: 1 },
  ]);
});

test("a schema strips before the filter looks, and both are told", () => {
  const obligations = obligationsOf({
    pii_filter: { enabled: true },
    obligations: [
      {
        type: "output_schema",
        parameters: { action: "strip", schema: { properties: { note: { type: "string" } } } },
      },
    ],
  });
  const outcome = obligations.applyToResponse({
    result: { content: [], structuredContent: { note: MAIL, other: MAIL } },
  });
  assert.deepEqual(outcome.ok && outcome.message, {
    result: { content: [], structuredContent: { note: R } },
  });
  assert.deepEqual(
    outcome.applied.map((one) => `${one.type} ${one.class} ${one.action} ${one.count}`),
    ["output_schema property strip 1", "pii_filter email redact 1"],
  );
});

test("the smallest response limit holds, and alone it needs no look at the answer", () => {
  const limits = [
    { type: "response_limit", parameters: { bytes_max: 200 } },
    { type: "response_limit", parameters: { bytes_max: 100 } },
  ];
  const obligations = obligationsOf({ obligations: limits });
  assert.equal(obligations.responseBytesMax, 100);
  assert.deepEqual([obligations.inspectsRequest, obligations.inspectsResponse], [false, false]);
  assert.deepEqual(refuseTooLarge(100).reason.code, "output_schema.too_large");
  assert.match(refuseTooLarge(100).reason.detail, /100 bytes/);
});

test("who has to look at what is said beforehand", () => {
  const looks = (type: string, parameters: Parameters) => {
    const { inspectsRequest, inspectsResponse } = of(type, parameters);
    return [inspectsRequest, inspectsResponse];
  };
  assert.deepEqual(looks("pii_filter", {}), [true, true]);
  assert.deepEqual(looks("redact", { paths: ["/a"] }), [true, false]);
  assert.deepEqual(looks("redact", { response_paths: ["/a"] }), [false, true]);
  assert.deepEqual(looks("output_schema", { schema: true }), [false, true]);
});
