// Small messages that are dear to read: patterns that explode, values beyond counting, names and texts made for the worst case of a matcher.
// Each is answered, most with a refusal, and nobody else waits long for it.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { attenuate } from "@postern/capability";
import type { Caveat } from "@postern/contracts";
import { systemClock } from "@postern/fault";
import { TENANT } from "../e2e/stack.ts";
import { startHostileStack } from "./hostile-stack.ts";
import { callBody, denialOf } from "./message.ts";

/** A policy that asks for the dearest obligations that it can declare, one per tool, and one that never ends. */
const REGO = `package intentgate.policy

default decision := {"allow": false, "reason": "not listed"}

decision := {"allow": true} if input.tool in {"record", "late"}

decision := {"allow": true, "pii_filter": filter(\`(a+)+$\`)} if input.tool == "nested"

decision := {"allow": true, "pii_filter": filter(\`(a|aa)*b(a|aa)*c(.*a){20}\`)} if input.tool == "wide"

decision := {"allow": true, "pii_filter": filter(\`(?=a)b\`)} if input.tool == "look-around"

decision := {"allow": true, "pii_filter": filter(\`(a)\\1\`)} if input.tool == "back-reference"

decision := {"allow": true, "obligations": [schema({"type": "object", "properties": {"x": {"pattern": "^(a+)+$"}}})]} if input.tool == "schema-pattern"

decision := {"allow": true, "obligations": [schema({"$ref": "#/$defs/a", "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/a"}]}}})]} if input.tool == "schema-loop"

decision := {"allow": true, "obligations": [schema({"$ref": "http://127.0.0.1:9/schema.json"})]} if input.tool == "schema-url"

decision := {"allow": true} if {
	input.tool == "endless"
	count([1 | some i in numbers.range(1, 3000); some j in numbers.range(1, 3000); i * j == -1]) == 0
}

filter(regex) := {"enabled": true, "patterns": [], "default_action": "redact", "custom_patterns": [{"class": "bomb", "regex": regex}]}

schema(shape) := {"type": "output_schema", "parameters": {"schema": shape}}
`;
const stack = await startHostileStack({ after }, { rego: REGO });
const { admin, upstream } = stack;
const parent = await admin.mint({ subject: "agent-x", tenant: TENANT, attenuable: true, ttl_seconds: 3600 });
const narrowed = async (caveats: readonly Caveat[]) =>
  (
    await attenuate(
      { token: parent.token, attenuationKey: parent.attenuation_key ?? "", caveats },
      { clock: systemClock, newId: randomUUID },
    )
  ).token;

/** Longest that anybody else may wait meanwhile. Generous, since the machine has other work: what explodes takes minutes. */
const WAIT_MS_MAX = 3_000;

interface Bomb {
  readonly body: string;
  readonly token?: string;
}

/** Sends a bomb, and small calls all the while; the bomb's reason ("" when it was let through) and the longest wait of the others. */
async function explode({ body, token }: Bomb): Promise<{ reason: string; waitedMs: number; tookMs: number }> {
  let isOver = false;
  let waitedMs = 0;
  const others = (async () => {
    while (!isOver) {
      const startedMs = performance.now();
      const answer = await stack.ask({ body: callBody("record", { nonce: "other" }) });
      assert.equal(denialOf(answer), undefined, answer.body.toString());
      waitedMs = Math.max(waitedMs, performance.now() - startedMs);
      await sleep(5);
    }
  })();
  const startedMs = performance.now();
  const answer = await stack.ask({ body, ...(token !== undefined && { token }) });
  const tookMs = performance.now() - startedMs;
  isOver = true;
  await others;
  assert.ok(answer.status === 200 || answer.status === 400, `${answer.status} ${answer.body}`);
  return { reason: denialOf(answer)?.reason ?? "", waitedMs, tookMs };
}

const A = "a".repeat(30_000);
const BOMBS: Readonly<Record<string, Bomb>> = {
  "49,000 members": {
    body: callBody("record", {
      x: Object.fromEntries(Array.from({ length: 49_000 }, (_, at) => [`k${at}`, at])),
    }),
  },
  "99,000 elements": { body: callBody("record", { x: Array.from({ length: 99_000 }, () => 0) }) },
  "60 deep and 1,500 wide": {
    body: callBody("record", {
      x: Array.from({ length: 1_500 }, () => JSON.parse("[".repeat(58) + "]".repeat(58))),
    }),
  },
  "4 MB of escapes": { body: callBody("record", { x: "@" }).replace("@", "\\u0061".repeat(690_000)) },
  "4 MB of one text": { body: callBody("record", { x: "x".repeat(4_100_000) }) },
  "a name for the worst globs of a token": {
    body: callBody("a".repeat(256)),
    token: await narrowed([
      { type: "tool_allow", tools: Array.from({ length: 90 }, (_, at) => `*${"a".repeat(120)}${at}`) },
    ]),
  },
  "a text for the worst glob of an argument": {
    body: callBody("record", { x: "a".repeat(4_000_000) }),
    token: await narrowed([
      { type: "arguments", predicates: [{ op: "glob", path: "/x", value: `*${"a".repeat(1000)}b` }] },
    ]),
  },
  "a text for eight of them": {
    body: callBody("record", { x: `${"a".repeat(4_000_000)}b` }),
    token: await narrowed([
      {
        type: "arguments",
        predicates: Array.from({ length: 8 }, () => ({
          op: "glob" as const,
          path: "/x",
          value: `*${"a".repeat(1000)}b`,
        })),
      },
    ]),
  },
  "a text for a glob of question marks": {
    body: callBody("record", { x: "a".repeat(1_000_000) }),
    token: await narrowed([
      { type: "arguments", predicates: [{ op: "glob", path: "/x", value: `*${"a?".repeat(500)}b` }] },
    ]),
  },
  "a pattern nested in itself": { body: callBody("nested", { x: `${A}!` }) },
  "a wide pattern": { body: callBody("wide", { x: `${A}!` }) },
  "a schema with a nested pattern": { body: callBody("schema-pattern", { x: `${A}!` }) },
  "a schema that refers to itself": { body: callBody("schema-loop", {}) },
};
for (const [title, bomb] of Object.entries(BOMBS)) {
  test(`a bomb is answered, and nobody waits for it: ${title}`, async (t) => {
    const { reason, waitedMs, tookMs } = await explode(bomb);
    t.diagnostic(
      `${reason || "let through"} after ${Math.round(tookMs)} ms, others waited ${Math.round(waitedMs)} ms`,
    );
    assert.ok(tookMs < WAIT_MS_MAX && waitedMs < WAIT_MS_MAX, `${tookMs} ms, ${waitedMs} ms`);
  });
}

const DENIED: Readonly<Record<string, readonly [tool: string, reason: RegExp]>> = {
  "a pattern that looks around": ["look-around", /^policy\.obligation$/],
  "a pattern that refers back": ["back-reference", /^policy\.obligation$/],
  "a schema behind an address": ["schema-url", /^policy\.obligation$/],
  "a policy that never ends": ["endless", /^policy\.(timeout|failed)$/],
};
for (const [title, [tool, expected]] of Object.entries(DENIED)) {
  test(`what a policy cannot have carried out is a denial: ${title}`, async () => {
    upstream.fresh();
    const { reason, waitedMs } = await explode({ body: callBody(tool, { x: A }) });
    assert.match(reason, expected);
    assert.ok(waitedMs < WAIT_MS_MAX);
    assert.ok(
      upstream.fresh().every(({ body }) => body.includes('"other"')),
      "it never reached the tool server",
    );
  });
}
