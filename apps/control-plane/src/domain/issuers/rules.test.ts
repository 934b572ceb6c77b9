// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is how the templates of agents are written.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ExchangeRule } from "@postern/contracts";
import fc from "fast-check";
import { fillTemplate } from "./agent-template.ts";
import { claimAt } from "./claim-path.ts";
import { grantFor } from "./rules.ts";

const rule = (match: object, agent = "a", name = "r") =>
  ExchangeRule.parse({ name, match, grant: { agent, ttl_seconds: 60 } });
const parsed = (text: string) => JSON.parse(text) as Record<string, unknown>;

const matches: readonly [string, object, Record<string, unknown>, boolean][] = [
  ["a value", { "/org": "acme" }, { org: "acme" }, true],
  ["another value", { "/org": "acme" }, { org: "acme " }, false],
  ["another case", { "/org": "acme" }, { org: "Acme" }, false],
  ["a number is no text", { "/level": 3 }, { level: "3" }, false],
  ["a truth value", { "/email_verified": true }, { email_verified: true }, true],
  ["text is no truth value", { "/email_verified": true }, { email_verified: "true" }, false],
  ["a pattern", { "/email": { glob: "*@acme.example" } }, { email: "bob@acme.example" }, true],
  [
    "a pattern is whole",
    { "/email": { glob: "*@acme.example" } },
    { email: "bob@acme.example.evil.example" },
    false,
  ],
  ["one of several", { "/org": { one_of: ["a", "b"] } }, { org: "b" }, true],
  ["an item of a list", { "/groups": "ops" }, { groups: ["dev", "ops"] }, true],
  ["no item of a list", { "/groups": "ops" }, { groups: ["dev", ["ops"]] }, false],
  ["a path", { "/realm/roles": "ops" }, { realm: { roles: ["ops"] } }, true],
  ["a name with slashes", { "/https:~1~1acme.example~1org": "x" }, { "https://acme.example/org": "x" }, true],
  ["no position in a list", { "/groups/0": "ops" }, { groups: ["ops"] }, false],
  ["an absent claim", { "/org": { glob: "*" } }, {}, false],
  ["null", { "/org": { glob: "*" } }, { org: null }, false],
  ["all of them", { "/a": "1", "/b": "2" }, { a: "1", b: "3" }, false],
  ["text that is too long for a pattern", { "/org": { glob: "*" } }, { org: "x".repeat(1025) }, false],
];
for (const [name, match, claims, expected] of matches)
  test(`a rule and ${name}: ${expected ? "matches" : "does not match"}`, () => {
    assert.equal(grantFor([rule(match)], claims).ok, expected);
  });

test("names that every object knows are no claims", () => {
  for (const path of ["/constructor", "/toString", "/__proto__", "/constructor/name", "/hasOwnProperty"]) {
    assert.equal(claimAt({ sub: "a" }, path), undefined, path);
    assert.equal(grantFor([rule({ [path]: { glob: "*" } })], { sub: "a" }).ok, false, path);
  }
  const written = parsed('{"__proto__":{"admin":"yes"},"constructor":"c"}');
  assert.equal(claimAt(written, "/__proto__/admin"), "yes");
  assert.equal(claimAt(written, "/admin"), undefined);
  assert.equal(claimAt(written, "/constructor"), "c");
});

test("the first rule that matches decides, even when what it gives cannot be given", () => {
  const rules = [
    rule({ "/sub": { glob: "*" } }, "agent:${missing}", "first"),
    rule({ "/sub": { glob: "*" } }, "b", "second"),
  ];
  const mapped = grantFor(rules, { sub: "alice" });
  assert.ok(!mapped.ok);
  assert.equal(mapped.rule, "first");
  assert.match(mapped.problem, /claim missing/);
});

test("no rules let nobody in", () => {
  assert.deepEqual(grantFor([], { sub: "alice" }), {
    ok: false,
    rule: undefined,
    problem: "No rule gives the holder of this access token anything.",
  });
});

test("a rule that names no claim cannot be written", () => {
  assert.equal(ExchangeRule.safeParse({ name: "r", match: {}, grant: { agent: "a" } }).success, false);
  const stepUp = [{ type: "step_up", at: "2026-01-01T00:00:00Z" }];
  const parsed = ExchangeRule.safeParse({
    name: "r",
    match: { "/sub": "a" },
    grant: { agent: "a", caveats: stepUp },
  });
  assert.equal(parsed.success, false);
});

test("an agent is filled in from claims", () => {
  const claims = { sub: "auth0|5f7c", tid: 42, realm: { user: "al.ice" }, mail: "a+b@acme.example" };
  for (const [template, agent] of [
    ["fixed name", "fixed name"],
    ["${sub}", "auth0|5f7c"],
    ["user:${sub}", "user:auth0|5f7c"],
    ["${tid}/${/realm/user}", "42/al.ice"],
    ["${mail}", "a+b@acme.example"],
  ] as const)
    assert.deepEqual(fillTemplate(template, claims), { ok: true, agent });
});

test("a claim that is not a harmless name fills nothing in", () => {
  const hostile = [
    "admin/../",
    "../admin",
    "a..b",
    "",
    " ",
    "a b",
    "a\n",
    "*",
    "?",
    "${tid}",
    "$",
    "é",
    "a\u0000",
    "a\u200bb",
    "x".repeat(129),
    null,
    true,
    1.5,
    ["a"],
    { a: "b" },
    undefined,
  ];
  for (const sub of hostile)
    assert.equal(fillTemplate("${sub}", { sub, tid: "t" }).ok, false, JSON.stringify(sub));
  assert.equal(fillTemplate("x".repeat(190).concat("${sub}"), { sub: "y".repeat(20) }).ok, false);
});

test("different claims never make one name", () => {
  const separators = [":", "@@", "-", "@"];
  const text = fc.stringMatching(/^[ab:@-]{3,12}$/);
  fc.assert(
    fc.property(text, fc.constantFrom(...separators), (name, separator) => {
      // Every way in which one name falls into two claims at this separator; at most one of them may be filled in.
      const readings = [...name].flatMap((_, at) =>
        name.startsWith(separator, at)
          ? [{ a: name.slice(0, at), b: name.slice(at + separator.length) }]
          : [],
      );
      const filled = readings.filter((claims) => fillTemplate(`\${a}${separator}\${b}`, claims).ok);
      assert.ok(filled.length <= 1, JSON.stringify(filled));
    }),
    {
      examples: [
        ["a:b:a", ":"],
        ["a@@@b", "@@"],
      ],
    },
  );
});
