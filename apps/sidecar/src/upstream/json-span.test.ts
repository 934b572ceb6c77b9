import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { findSpan, replaceSpan } from "./json-span.ts";

const at = (json: string, path: readonly string[]) => {
  const bytes = Buffer.from(json);
  const span = findSpan(bytes, path);
  return span && bytes.toString("utf8", span.start, span.end);
};

const CASES: readonly [json: string, path: readonly string[], found: string | undefined][] = [
  ['{"a":1}', ["a"], "1"],
  [' { "a" : "x\\"}" , "b" : [1,{"a":2}] } ', ["b"], '[1,{"a":2}]'],
  ['{"a":{"b":-1.5e3 }}', ["a", "b"], "-1.5e3"],
  ['{"\\u0061":{"b\\n":true}}', ["a", "b\n"], "true"],
  ['{"a":1,"a":2}', ["a"], "2"],
  ['{"x":{"a":1},"a":null}', ["a"], "null"],
  ['{"b":"é","a":"ü"}', ["a"], '"ü"'],
  ['{"a":[]}', ["a", "b"], undefined],
  ['{"a":1}', ["b"], undefined],
  ["[1]", ["a"], undefined],
  ["{}", ["a"], undefined],
  ['{"constructor":1}', ["__proto__"], undefined],
];
for (const [json, path, found] of CASES) {
  test(`${path.join(".")} of ${json} is ${found ?? "nowhere"}`, () => {
    assert.equal(at(json, path), found);
  });
}

test("replacing a member changes it and nothing else, in any JSON that has it", () => {
  const keys = ["params", "_meta", "progressToken"];
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), fc.jsonValue(), fc.nat(3), (token, before, after, indent) => {
      const whole = (value: unknown) => ({
        before,
        params: { x: after, _meta: { progressToken: value }, y: before },
        after,
      });
      const json = Buffer.from(JSON.stringify(whole(token), undefined, indent));
      const span = findSpan(json, keys);
      assert.ok(span !== undefined);
      assert.deepEqual(
        JSON.parse(json.toString("utf8", span.start, span.end)),
        JSON.parse(JSON.stringify(token)),
      );
      const replaced = replaceSpan(json, span, "17");
      assert.deepEqual(JSON.parse(Buffer.from(replaced).toString()), JSON.parse(JSON.stringify(whole(17))));
    }),
  );
});
