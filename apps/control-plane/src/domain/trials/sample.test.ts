// The language of samples: every form, every combination that makes sense, and a sentence for whatever does not.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault } from "@postern/fault";
import fc from "fast-check";
import { readSample } from "./sample.ts";

const HOUR_MS = 3_600_000;

test("each form of a sample is read, alone and with others", () => {
  const forms: [string, object][] = [
    ["last:1", { limit: 1 }],
    ["last:10000", { limit: 10_000 }],
    ["90m", { windowMs: 1.5 * HOUR_MS }],
    ["24h", { windowMs: 24 * HOUR_MS }],
    ["7d", { windowMs: 168 * HOUR_MS }],
    ["tool:read_invoice", { tool: "read_invoice" }],
    ["tool:last:5", { tool: "last:5" }],
    ["agent:bot 7", { agentId: "bot 7" }],
    ["0197a3c2-1111-7222-8333-444455556666", { eventId: "0197a3c2-1111-7222-8333-444455556666" }],
    ["24hours", { eventId: "24hours" }],
    [" tool:a , 24h,last:5 , agent:b", { tool: "a", windowMs: 24 * HOUR_MS, limit: 5, agentId: "b" }],
  ];
  for (const [text, read] of forms) assert.deepEqual(readSample(text), read, text);
});

test("whatever is no sample is refused with its path and with what is allowed", () => {
  const wrong: [string, RegExp][] = [
    ["", /an item is empty/],
    ["24h,", /an item is empty/],
    ["last:0", /from 1 to 10000/],
    ["last:10001", /from 1 to 10000/],
    ["last:-1", /from 1 to 10000/],
    ["last:5e3", /from 1 to 10000/],
    ["last:", /from 1 to 10000/],
    ["0h", /a window of time is from 1m to 3660d/],
    ["999999d", /a window of time/],
    ["tool:", /name of 1 to 256/],
    [`tool:${"x".repeat(257)}`, /name of 1 to 256/],
    ["last:1,last:2", /"last:2" names a second number of calls/],
    ["1h,2h", /second window of time/],
    ["call-1,24h", /an event stands alone/],
    ["call-1,call-2", /second event/],
    ["what is this?", /"what is this\?" is none of these/],
    ["24 h", /none of these/],
  ];
  for (const [text, why] of wrong) {
    assert.throws(
      () => readSample(text),
      (caught) => {
        assert.ok(caught instanceof Fault, text);
        assert.deepEqual([caught.kind, caught.code], ["invalid", "trials.sample"]);
        assert.match(caught.message, why);
        assert.match(caught.message, /^body\.sample: .*; allowed are last:N \(1 to 10000\)/);
        return true;
      },
      text,
    );
  }
});

test("no text is anything but a sample or a refusal", () => {
  const piece = fc.constantFrom(
    "last:",
    "tool:",
    "agent:",
    ",",
    "24",
    "h",
    "m",
    "7d",
    " ",
    "a",
    ":",
    "é",
    "\n",
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(piece).map((pieces) => pieces.join("")),
      ),
      (text) => {
        try {
          const { limit = 1, windowMs = 1 } = readSample(text);
          assert.ok(limit >= 1 && limit <= 10_000 && windowMs > 0);
        } catch (caught) {
          assert.ok(caught instanceof Fault && caught.message.length < 400, text);
        }
      },
    ),
  );
});
