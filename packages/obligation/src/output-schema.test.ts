import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject, JsonValue } from "@postern/contracts";
import fc from "fast-check";
import { applyOutputSchema, compileOutputSchema } from "./output-schema.ts";
import { startPass } from "./pass.ts";

const INVOICE = {
  type: "object",
  properties: {
    id: { type: "string" },
    lines: { type: "array", items: { type: "object", properties: { sum: { type: "number" } } } },
  },
  required: ["id"],
};

function apply(parameters: JsonObject, message: JsonObject) {
  const compiled = compileOutputSchema(parameters);
  assert.ok(compiled.ok, compiled.ok ? "" : compiled.problem);
  const pass = startPass("response");
  const outcome = applyOutputSchema(message, compiled.schema, pass);
  return { ...outcome, counts: pass.applied.map((one) => `${one.class} ${one.action} ${one.count}`) };
}

const answer = (structuredContent: JsonValue, text?: string, more: JsonObject = {}): JsonObject => ({
  jsonrpc: "2.0",
  id: 1,
  result: {
    content: [{ type: "text", text: text ?? JSON.stringify(structuredContent) }],
    structuredContent,
    ...more,
  },
});

const resultOf = (outcome: object): JsonObject | undefined =>
  "message" in outcome ? ((outcome.message as JsonObject).result as JsonObject) : undefined;

test("an answer that fits passes as the same object", () => {
  for (const action of ["block", "strip"]) {
    for (const layout of [undefined, JSON.stringify({ id: "a" }, null, 2)]) {
      const message = answer({ id: "a" }, layout);
      const outcome = apply({ schema: INVOICE, action }, message);
      assert.equal("message" in outcome && outcome.message, message);
    }
  }
});

test("block refuses what does not fit, and says by which rule", () => {
  const outcome = apply({ schema: INVOICE }, answer({ id: 7 }));
  assert.deepEqual(outcome, { violation: "It fails type at #/properties/id/type.", counts: [] });
  assert.ok(
    "violation" in apply({ schema: { ...INVOICE, additionalProperties: false } }, answer({ id: "a", x: 1 })),
  );
});

test("strip removes what is not described, in the structured content and in the text that mirrors it", () => {
  const outcome = apply(
    { schema: INVOICE, action: "strip" },
    answer({ id: "a", iban: "x", lines: [{ sum: 1, secret: 2 }] }),
  );
  const kept = { id: "a", lines: [{ sum: 1 }] };
  assert.deepEqual(resultOf(outcome), {
    content: [{ type: "text", text: JSON.stringify(kept) }],
    structuredContent: kept,
  });
  assert.deepEqual(outcome.counts, ["property strip 2"]);
});

test("strip still refuses what does not fit afterwards", () => {
  assert.ok("violation" in apply({ schema: INVOICE, action: "strip" }, answer({ iban: "x" })));
  assert.ok("violation" in apply({ schema: { type: "string" }, action: "strip" }, answer({ iban: "x" })));
});

test("content that does not mirror the structured content goes, unless the policy keeps it", () => {
  const message = answer({ id: "a" }, "Invoice a of Ada, IBAN NL91…", { stray: 1, _meta: { trace: "t" } });
  const outcome = apply({ schema: INVOICE }, message);
  const mirrored = {
    content: [{ type: "text", text: '{"id":"a"}' }],
    structuredContent: { id: "a" },
    _meta: { trace: "t" },
  };
  assert.deepEqual(resultOf(outcome), mirrored);
  assert.deepEqual(outcome.counts, ["property strip 1", "content strip 1"]);
  const kept = apply({ schema: INVOICE, content: "keep" }, message);
  assert.equal("message" in kept && kept.message, message);
});

test("a text that says more than one reader sees is written anew", () => {
  const outcome = apply({ schema: INVOICE }, answer({ id: "a" }, '{"id":"secret","id":"a"}'));
  assert.deepEqual(resultOf(outcome)?.content, [{ type: "text", text: '{"id":"a"}' }]);
  const annotated = answer({ id: "a" });
  const noted = {
    ...annotated,
    result: {
      ...resultOf({ message: annotated }),
      content: [{ type: "text", text: '{"id":"a"}', note: "secret" }],
    },
  };
  assert.deepEqual(resultOf(apply({ schema: INVOICE }, noted))?.content, [
    { type: "text", text: '{"id":"a"}' },
  ]);
});

test("keep writes the mirroring text anew and leaves the rest", () => {
  const content = [
    { type: "text", text: '{"id":"a","x":1}' },
    { type: "text", text: "free" },
  ];
  const message = { result: { content, structuredContent: { id: "a", x: 1 } } };
  const outcome = apply({ schema: INVOICE, action: "strip", content: "keep" }, message);
  assert.deepEqual(resultOf(outcome)?.content, [
    { type: "text", text: '{"id":"a"}' },
    { type: "text", text: "free" },
  ]);
});

test("target text takes the JSON of the only text item", () => {
  const text = (content: JsonValue) => ({ result: { content } });
  const outcome = apply(
    { schema: INVOICE, action: "strip", target: "text" },
    text([{ type: "text", text: '{"id":"a","x":1}' }]),
  );
  assert.deepEqual(resultOf(outcome), { content: [{ type: "text", text: '{"id":"a"}' }] });
  for (const content of [
    [],
    [{ type: "text", text: "free" }],
    [
      { type: "text", text: "{}" },
      { type: "text", text: "{}" },
    ],
    "x",
  ]) {
    assert.ok(
      "violation" in apply({ schema: INVOICE, target: "text" }, text(content)),
      JSON.stringify(content),
    );
  }
});

const refused: readonly [name: string, message: JsonObject][] = [
  ["no structured content", { result: { content: [{ type: "text", text: '{"id":"a"}' }] } }],
  ["a result that is no object", { result: "x" }],
  ["an error of the protocol", { error: { code: -32000, message: "Ada" } }],
  ["an error of the tool", { result: { isError: true, content: [{ type: "text", text: "Ada" }] } }],
  [
    "a question that brings content",
    { result: { resultType: "input_required", content: [], inputRequests: {} } },
  ],
  ["content nested too deeply", answer(JSON.parse(`${"[".repeat(300)}${"]".repeat(300)}`))],
];
for (const [name, message] of refused) {
  test(`an answer that is ${name} is refused`, () => {
    assert.ok("violation" in apply({ schema: INVOICE }, message));
  });
}

test("errors pass when the policy says so, content that does not fit in them does not", () => {
  const rules = { schema: INVOICE, errors: "pass" };
  for (const [, message] of refused.slice(2, 4)) assert.ok("message" in apply(rules, message));
  assert.ok("violation" in apply(rules, { result: { isError: true, structuredContent: { id: 1 } } }));
});

test("content that is no list goes", () => {
  const outcome = apply(
    { schema: INVOICE },
    { result: { content: "secret", structuredContent: { id: "a" } } },
  );
  assert.deepEqual(resultOf(outcome), { content: [], structuredContent: { id: "a" } });
});

test("questions, tasks and messages that are no answers pass", () => {
  const messages: JsonObject[] = [
    { result: { resultType: "input_required", inputRequests: {}, requestState: "s" } },
    { result: { resultType: "task", task: { taskId: "t" } } },
    { result: { task: { taskId: "t" } } },
    { method: "notifications/progress", params: {} },
  ];
  for (const message of messages) assert.ok("message" in apply({ schema: INVOICE }, message));
});

const stripped: readonly [name: string, schema: JsonValue, value: JsonValue, want: JsonValue][] = [
  ["true keeps everything", true, { a: { b: 1 } }, { a: { b: 1 } }],
  ["an empty schema keeps everything", { title: "any" }, { a: 1 }, { a: 1 }],
  [
    "a property without rules keeps everything",
    { properties: { a: {} } },
    { a: { b: 1 }, c: 1 },
    { a: { b: 1 } },
  ],
  ["an object without properties keeps none", { type: "object" }, { a: 1 }, {}],
  ["a list without items keeps none", { type: "array" }, [1], []],
  ["a property that is false goes", { properties: { a: false } }, { a: 1 }, {}],
  [
    "additional properties stay by their schema",
    { additionalProperties: { properties: { a: {} } } },
    { x: { a: 1, b: 2 } },
    { x: { a: 1 } },
  ],
  ["patterns name properties", { patternProperties: { "^x-": {} } }, { "x-a": 1, ax: 2 }, { "x-a": 1 }],
  [
    "unevaluated properties stay by their schema",
    { properties: { a: {} }, unevaluatedProperties: true },
    { a: 1, b: 2 },
    { a: 1, b: 2 },
  ],
  [
    "a tuple is as long as its schema",
    { prefixItems: [{}, { properties: { a: {} } }] },
    [1, { a: 1, b: 2 }, 3],
    [1, { a: 1 }],
  ],
  [
    "branches count together",
    { allOf: [{ properties: { a: {} } }, { properties: { b: {} } }, {}] },
    { a: 1, b: 2, c: 3 },
    { a: 1, b: 2 },
  ],
  [
    "alternatives count together",
    { anyOf: [{ properties: { a: {} } }, { properties: { b: {} } }] },
    { a: 1, b: 2, c: 3 },
    { a: 1, b: 2 },
  ],
  [
    "conditions count",
    JSON.parse('{"if": {"required": ["a"]}, "then": {"properties": {"a": {}}}, "else": true}'),
    { a: 1, b: 2 },
    { a: 1 },
  ],
  [
    "references are followed",
    { $ref: "#/$defs/t", $defs: { t: { properties: { next: { $ref: "#/$defs/t" } } } } },
    { next: { next: {}, x: 1 } },
    { next: { next: {} } },
  ],
  ["a constant stays whole", { const: { a: 1 } }, { a: 1 }, { a: 1 }],
  [
    "inherited names are not properties",
    { properties: { a: {} } },
    JSON.parse('{"constructor":1,"__proto__":{"x":1},"toString":2}'),
    {},
  ],
];
for (const [name, schema, value, want] of stripped) {
  test(`strip: ${name}`, () => {
    const outcome = apply({ schema, action: "strip" }, answer(value));
    assert.deepEqual(resultOf(outcome)?.structuredContent, want);
  });
}

test("stripping is done once and for all, and leaves only names of the schema", () => {
  const schema = {
    type: "object",
    properties: {
      a: { type: "object", properties: { b: {} } },
      c: { type: "array", items: { properties: { a: {} } } },
    },
  };
  const compiled = compileOutputSchema({ schema, action: "strip" });
  assert.ok(compiled.ok && compiled.schema.stripper !== undefined);
  const { strip } = compiled.schema.stripper;
  const names = fc.constantFrom("a", "b", "c", "d", "__proto__", "toString");
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.integer(),
      fc.array(tie("value")),
      fc.dictionary(names, tie("value")),
    ),
  }));
  fc.assert(
    fc.property(value, (any) => {
      const once = strip(any as JsonValue, () => {});
      assert.equal(
        strip(once, () => {}),
        once,
      );
      assert.ok(
        typeof once !== "object" ||
          once === null ||
          Object.keys(once).every((name) => ["a", "c"].includes(name)),
      );
    }),
  );
});

const problems: readonly [name: string, parameters: JsonObject, problem: RegExp][] = [
  ["no schema", {}, /neither an object/],
  ["a schema that is none", { schema: 7 }, /neither an object/],
  ["an unknown parameter", { schema: true, strict: true }, /"strict" is unknown/],
  ["an unknown action", { schema: true, action: "redact" }, /action is not one of/],
  ["an unknown keyword", { schema: { requird: ["a"] } }, /unknown keyword "requird"/],
  ["a keyword of a wrong form", { schema: { type: "strin" } }, /not valid/],
  ["a list that is none", { schema: { allOf: {} } }, /holds no list/],
  ["another dialect", { schema: { $schema: "http://json-schema.org/draft-07/schema#" } }, /dialect/],
  ["a remote reference", { schema: { $ref: "https://example.com/schema.json" } }, /refers/],
  ["a reference to nowhere", { schema: { $ref: "#/$defs/a" } }, /refers/],
  ["an anchor", { schema: { $anchor: "a" } }, /unknown keyword/],
  ["an identifier", { schema: { $id: "https://example.com/" } }, /unknown keyword/],
  ["an expression that backtracks by reference", { schema: { pattern: "(a)\\1" } }, /cannot be used/],
  ["an expression among names", { schema: { patternProperties: { "(?=a)": {} } } }, /cannot be used/],
  ["a property named __proto__", { schema: { properties: JSON.parse('{"__proto__": {}}') } }, /__proto__/],
  [
    "a schema that is too deep",
    { schema: JSON.parse(`${'{"not":'.repeat(80)}true${"}".repeat(80)}`) },
    /deeper/,
  ],
  [
    "a schema of too many parts",
    { schema: { allOf: Array.from({ length: 2_001 }, () => ({})) } },
    /more than/,
  ],
  ["a schema that is too long", { schema: { description: "x".repeat(70_000) } }, /longer/],
];
for (const [name, parameters, problem] of problems) {
  test(`${name} is a problem of the policy`, () => {
    const compiled = compileOutputSchema(parameters);
    assert.match(compiled.ok ? "" : compiled.problem, problem);
  });
}

test("what a schema multiplies is cut off", () => {
  const chain = Object.fromEntries(
    Array.from({ length: 40 }, (_, at) => [
      `d${at}`,
      at === 39
        ? { type: "string" }
        : { allOf: [{ $ref: `#/$defs/d${at + 1}` }, { $ref: `#/$defs/d${at + 1}` }] },
    ]),
  );
  assert.ok(
    "violation" in apply({ schema: { $ref: "#/$defs/d0", $defs: chain }, action: "strip" }, answer("x")),
  );
  const tree = {
    anyOf: [
      { type: "object", additionalProperties: { $ref: "#" } },
      { type: "object", additionalProperties: { $ref: "#" } },
    ],
  };
  const deep = JSON.parse(`${'{"a":'.repeat(60)}1${"}".repeat(60)}`) as JsonValue;
  assert.ok("violation" in apply({ schema: tree }, answer(deep)));
  assert.ok("violation" in apply({ schema: { $ref: "#" } }, answer({})));
});

test("expressions and unique items take linear time", () => {
  assert.ok("violation" in apply({ schema: { pattern: "^(a+)+$" } }, answer(`${"a".repeat(50_000)}b`)));
  const schema = { type: "array", items: {}, uniqueItems: true };
  const many = Array.from({ length: 50_000 }, (_, at) => ({ at, b: 1 }));
  assert.ok("message" in apply({ schema }, answer(many)));
  assert.ok("violation" in apply({ schema }, answer([...many, { b: 1, at: 0 }])));
});

test("a required name is looked for in the value itself, not in what it inherits", () => {
  assert.ok("violation" in apply({ schema: { required: ["toString"] } }, answer({})));
});
