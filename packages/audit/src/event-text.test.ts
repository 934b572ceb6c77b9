import assert from "node:assert/strict";
import { test } from "node:test";
import type { AuditEvent, JsonValue, SpoolBody } from "@postern/contracts";
import fc from "fast-check";
import { canonicalize } from "./canonical.ts";
import { buildEvent } from "./event.ts";
import { eventText, shortBodyText } from "./event-text.ts";
import { sampleDenial, sampleEvent, sampleIntent, sampleOutcome } from "./sample-event.ts";

/** What a function gives, or that it refuses. */
function outcomeOf(run: () => string): string {
  try {
    return run();
  } catch (caught) {
    return `refused: ${(caught as { code?: string }).code}`;
  }
}

const sameAsCanonical = (event: unknown) =>
  assert.equal(
    outcomeOf(() => eventText(event as AuditEvent)),
    outcomeOf(() => canonicalize(event as JsonValue)),
  );

/** Texts that a careless writer would get wrong, and any others. */
const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({
    unit: fc.constantFrom('"', "\\", "u", "d", "\ud800", "\udc00", "\0", "\u2028", "\x7f", ",", "}"),
  }),
);
/** What no event holds, unless its type was broken. */
const wild = fc.oneof(
  text,
  fc.double(),
  fc.constantFrom<unknown>(
    undefined,
    null,
    true,
    -0,
    Number.NaN,
    1n,
    [],
    {},
    Array(2),
    ["a", ...Array(1)],
    new Date(0),
  ),
  fc.constantFrom<unknown>(new Map(), { toJSON: () => "x" }, Object.create(null), Object.create({ a: 1 })),
  fc.array(fc.oneof(text, fc.constantFrom<unknown>(1, null, undefined, {}))),
  fc.dictionary(text, fc.jsonValue()),
);
const names = fc.constantFrom(...Object.keys(sampleEvent(1)));

test("an event is written as canonicalize writes it, whatever it holds", () => {
  const texts = fc.record({
    reason: text,
    tool: text,
    agent_id: text,
    arg_keys: fc.array(text),
    reasons: fc.array(text),
  });
  fc.assert(
    fc.property(texts, fc.dictionary(names, wild, { maxKeys: 2 }), (sound, broken) => {
      sameAsCanonical({ ...sampleEvent(1), ...sound });
      sameAsCanonical({ ...sampleEvent(1), ...sound, ...broken });
    }),
    { numRuns: 500 },
  );
});

test("members in another order, missing or added are written as canonicalize writes them", () => {
  const event = sampleEvent(1, { arg_keys: ["a"], arg_values: { b: 1, a: [null] } });
  const { tool, ...toolless } = event;
  sameAsCanonical(Object.fromEntries(Object.entries(event).reverse()));
  sameAsCanonical(toolless);
  const entries = Object.entries(sampleEvent(1, { reason: "so" }));
  for (let at = 1; at < entries.length; at += 1) {
    const [before, here] = entries.slice(at - 1, at + 1);
    sameAsCanonical(
      Object.fromEntries([...entries.slice(0, at - 1), here, before, ...entries.slice(at + 1)] as [
        string,
        unknown,
      ][]),
    );
    sameAsCanonical(
      Object.fromEntries(entries.with(at, [`${here?.[0]}x`, here?.[1]] as (typeof entries)[number])),
    );
  }
  sameAsCanonical({ ...toolless, tool });
  sameAsCanonical({ ...toolless, tooth: tool });
  sameAsCanonical({ ...event, zebra: 1 });
  sameAsCanonical(Object.create(event));
  sameAsCanonical(Object.assign(Object.create({ inherited: true }), sampleEvent(1)));
});

test("a body's short text is its canonical text wherever there is one", () => {
  const sound = fc.constantFrom<SpoolBody>(sampleDenial(1), sampleIntent(2, 5), sampleOutcome(3), {
    kind: "lost_end",
    epoch: 1,
    from: 2,
  });
  const broken = fc.dictionary(
    fc.constantFrom("kind", "event", "args_salt", "reason", "event_id", "cost_micros", "latency_ms", "zebra"),
    wild,
    { maxKeys: 2 },
  );
  const dropped = fc.constantFrom("event", "args_salt", "reason", "event_id", "cost_micros", "outcome", "");
  fc.assert(
    fc.property(sound, broken, dropped, (body, members, without) => {
      const { [without]: _, ...kept } = { ...body, ...members } as Record<string, unknown>;
      for (const each of [body, kept as SpoolBody]) {
        const short = outcomeOf(() => shortBodyText(each) ?? canonicalize(each as JsonValue));
        assert.equal(
          short,
          outcomeOf(() => canonicalize(each as JsonValue)),
        );
      }
    }),
    { numRuns: 500 },
  );
});

test("what a sidecar writes all the time takes the short way", () => {
  const event = buildEvent({
    ...sampleEvent(1),
    arg_keys: ["path", "a\nb"],
    reasons: ["policy.denied"],
    reason: "so",
  });
  assert.equal(
    shortBodyText({ kind: "intent", event, args_salt: "" }),
    canonicalize({ kind: "intent", event, args_salt: "" } as JsonValue),
  );
  assert.notEqual(shortBodyText(sampleDenial(1)), undefined);
  assert.notEqual(shortBodyText(sampleOutcome(1)), undefined);
});
