import assert from "node:assert/strict";
import { test } from "node:test";
import { includesElicitation, takesStream } from "./way-of-waiting.ts";

test("a client's user can be asked when its capabilities include a form", () => {
  for (const capabilities of [
    { elicitation: {} },
    { elicitation: { form: {} } },
    { elicitation: { form: {}, url: {} } },
  ])
    assert.equal(includesElicitation(capabilities), true);
  for (const capabilities of [
    ...[undefined, null, [], "elicitation", {}, { elicitation: { url: {} } }, { elicitation: true }],
    ...[{ elicitation: [] }, { Elicitation: {} }, Object.create({ elicitation: {} })],
  ])
    assert.equal(includesElicitation(capabilities), false);
});

test("a stream is taken by who says so", () => {
  const takes = (accept?: string) =>
    takesStream({ headers: new Map(accept === undefined ? [] : [["accept", accept]]) });
  for (const accept of ["text/event-stream", "application/json, Text/Event-Stream;q=0.5"])
    assert.equal(takes(accept), true);
  for (const accept of [
    undefined,
    "",
    "*/*",
    "application/json",
    "text/event-streams",
    "x-text/event-stream",
  ])
    assert.equal(takes(accept), false);
});
