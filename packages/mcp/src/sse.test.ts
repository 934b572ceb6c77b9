import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault } from "@postern/fault";
import fc from "fast-check";
import { createSseDecoder, encodeSseEvent, replaceSseData, type SseEvent } from "./sse.ts";

const LIMIT = { eventBytesMax: 1_000 };

function decode(stream: Uint8Array, cuts: readonly number[] = []): { events: SseEvent[]; rest: Uint8Array } {
  const decoder = createSseDecoder(LIMIT);
  const edges = [0, ...[...cuts].sort((a, b) => a - b), stream.length];
  const events = edges.slice(1).flatMap((edge, index) => decoder.push(stream.subarray(edges[index], edge)));
  return { events, rest: decoder.rest() };
}

const fields = ({ data, type, id, retryMs }: SseEvent) => ({ data, type, id, retryMs });

test("fields, comments and line ends are read as the standard says", () => {
  const stream = [
    ": welcome\n",
    "id: 1\nretry: 500\ndata:\n\n",
    'event: message\r\ndata: {"a":1}\r\n\r\n',
    "data:  two\rdata: lines\r\r",
    "data\nid\nretry: x\nunknown: y\nid: a\0b\n\n",
    "event:\ndata: x\n\n",
    "data: never ended\n",
  ].join("");
  const { events, rest } = decode(Buffer.from(`\ufeff${stream}`));
  assert.deepEqual(events.slice(0, 2).map(fields), [
    { data: "", type: "message", id: "1", retryMs: 500 },
    { data: '{"a":1}', type: "message", id: undefined, retryMs: undefined },
  ]);
  assert.deepEqual(events.slice(2).map(fields), [
    { data: " two\nlines", type: "message", id: undefined, retryMs: undefined },
    { data: "", type: "message", id: "", retryMs: undefined },
    { data: "x", type: "message", id: undefined, retryMs: undefined },
  ]);
  assert.equal(Buffer.from(rest).toString(), "data: never ended\n");
});

test("a comment between events passes at once, and one inside an event stays in it", () => {
  const decoder = createSseDecoder(LIMIT);
  assert.equal(decoder.push(Buffer.from(":\r\n")).length, 1);
  assert.equal(decoder.push(Buffer.from(": ping\n\n")).length, 2);
  assert.equal(decoder.push(Buffer.from("data: a\n: inside\n")).length, 0);
  const [event] = decoder.push(Buffer.from("data: b\n\n"));
  assert.equal(event?.data, "a\nb");
  assert.match(Buffer.from(event?.bytes ?? []).toString(), /inside/);
  assert.equal(decoder.push(Buffer.from(": after\n")).length, 1);
});

const line = fc.constantFrom(
  "data: x",
  "data:",
  "data",
  "id: 7",
  "event: e",
  "retry: 10",
  ": note",
  ":",
  "",
  'data: {"é":"😀"}',
  "other",
);
const lineEnd = fc.constantFrom("\n", "\r\n", "\r");
const anyStream = fc
  .array(fc.tuple(line, lineEnd), { maxLength: 20 })
  .map((parts) => Buffer.from(parts.flat().join("")));

test("property: cut anywhere, a stream gives the same events, and their bytes are the stream", () => {
  fc.assert(
    fc.property(anyStream, fc.array(fc.nat(400), { maxLength: 6 }), (stream, wanted) => {
      const cuts = wanted.map((cut) => Math.min(cut, stream.length));
      const whole = decode(stream);
      const pieces = decode(stream, cuts);
      const withData = ({ events }: typeof whole) =>
        events.map(fields).filter(({ data, id }) => data !== undefined || id !== undefined);
      assert.deepEqual(withData(pieces), withData(whole));
      for (const { events, rest } of [whole, pieces]) {
        assert.ok(Buffer.concat([...events.map(({ bytes }) => bytes), rest]).equals(stream));
      }
    }),
    { numRuns: 1_000 },
  );
});

test("an event larger than its bound is trouble, in one piece or in many", () => {
  const isProtocolFault = (caught: unknown) => caught instanceof Fault && caught.code === "upstream.protocol";
  const big = Buffer.from(`data: ${"x".repeat(1_000)}\n\n`);
  assert.throws(() => decode(big), isProtocolFault);
  assert.throws(
    () =>
      decode(
        big,
        [...Array(100).keys()].map((part) => part * 10),
      ),
    isProtocolFault,
  );
  assert.throws(() => decode(Buffer.from("x".repeat(1_001))), isProtocolFault);
});

test("an encoded event decodes to what it was made of", () => {
  const made = { data: 'first\n{"a":1}', type: "note", id: "9", retryMs: 20 };
  const { events } = decode(Buffer.from(encodeSseEvent(made)));
  assert.deepEqual(events.map(fields), [made]);
  assert.equal(encodeSseEvent({ data: "x" }), "data: x\n\n");
});

test("replaced data leaves every other byte of the event alone", () => {
  const [event] = decode(
    Buffer.from(": c \u00e9\r\nid: 5\r\ndata: old\r\nretry: 3\r\ndata: more\r\n\r\n"),
  ).events.slice(-1);
  assert.ok(event);
  assert.equal(
    Buffer.from(replaceSseData(event, '{"é":1}')).toString(),
    'id: 5\r\ndata: {"é":1}\nretry: 3\r\n\r\n',
  );
});
