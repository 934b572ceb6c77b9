import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault } from "@postern/fault";
import { createEventDecoder, type StreamEvent } from "./event-stream.ts";

function decode(text: string, chunkBytes: number): StreamEvent[] {
  const bytes = Buffer.from(text);
  const decoder = createEventDecoder(1000);
  const events: StreamEvent[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes)
    events.push(...decoder.push(bytes.subarray(at, at + chunkBytes)));
  return events;
}

const stream = [
  ": a comment\n\n",
  "event: state\nid: k1\ndata: first\n\n",
  "data:no blank\r\ndata:  two blanks\r\n\r\n",
  "event: empty\n\n",
  "data\rid: k\u00002\rdata: é€😀\r\r",
  "retry: 10\nunknown: x\nid\ndata: last\n\n",
  "data: never finished",
].join("");
const expected = [
  { event: "state", id: "k1", data: "first" },
  { event: "message", id: "k1", data: "no blank\n two blanks" },
  { event: "message", id: "k1", data: "\né€😀" },
  { event: "message", id: "", data: "last" },
];

for (const chunkBytes of [1, 2, 3, 7, 1000])
  test(`events are the same when they come in chunks of ${chunkBytes} bytes`, () => {
    assert.deepEqual(decode(`\uFEFF${stream}`, chunkBytes), expected);
  });

test("an event that never ends is cut off at the limit", () => {
  const tooLarge = (caught: unknown) => caught instanceof Fault && caught.code === "client.too_large";
  assert.throws(() => decode(`data: ${"x".repeat(2000)}`, 100), tooLarge);
  assert.throws(() => decode("data: xxxxxxxx\n".repeat(200), 100), tooLarge);
  assert.throws(() => decode("data\n".repeat(2000), 100), tooLarge);
});
