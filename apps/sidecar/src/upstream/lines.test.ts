import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault } from "@postern/fault";
import fc from "fast-check";
import { createLineSplitter, withoutLineEnds } from "./lines.ts";

const splitIn = (bytes: Uint8Array, size: number, lineBytesMax = 10_000): string[] => {
  const lines = createLineSplitter({ lineBytesMax });
  const out: string[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    for (const line of lines.push(bytes.subarray(at, at + size))) out.push(Buffer.from(line).toString());
  }
  return out;
};

test("property: lines come out whole and in order, however their bytes arrive", () => {
  fc.assert(
    fc.property(
      fc.array(fc.jsonValue().map((value) => JSON.stringify(value))),
      fc.integer({ min: 1, max: 50 }),
      (lines, size) => {
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
        assert.deepEqual(splitIn(bytes, size), lines);
      },
    ),
  );
});

test("empty lines are left out, carriage returns become white space, an unended line is not given", () => {
  assert.deepEqual(splitIn(Buffer.from('\n{"a":\r1}\r\n\n{"b"'), 100), ['{"a": 1} ']);
});

test("a line beyond its bound is trouble, before it ends", () => {
  const isProtocolFault = (caught: unknown) => caught instanceof Fault && caught.code === "upstream.protocol";
  assert.throws(() => splitIn(Buffer.alloc(101, "x"), 10, 100), isProtocolFault);
  assert.throws(() => splitIn(Buffer.from(`${"x".repeat(101)}\n`), 1_000, 100), isProtocolFault);
  assert.deepEqual(splitIn(Buffer.from(`${"x".repeat(100)}\n`), 7, 100), ["x".repeat(100)]);
});

test("property: JSON on one line is the same value, byte for byte but for line ends", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom("\n", "\r\n", "\t", 2), (value, indent) => {
      const text = JSON.stringify(value, null, indent === 2 ? 2 : "\t").replaceAll(
        "\n",
        indent === "\r\n" ? "\r\n" : "\n",
      );
      const line = Buffer.from(withoutLineEnds(Buffer.from(text))).toString();
      assert.ok(!/[\r\n]/.test(line));
      assert.equal(line, text.replaceAll(/[\r\n]/g, " "));
      assert.deepEqual(JSON.parse(line), JSON.parse(text));
    }),
  );
  const compact = Buffer.from('{"a":"\\n"}');
  assert.equal(withoutLineEnds(compact), compact);
});
