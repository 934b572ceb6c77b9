import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault } from "@postern/fault";
import fc from "fast-check";
import { createLogger } from "./logger.ts";
import { redactLine } from "./redact.ts";

function capture() {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  return { lines, log: createLogger({ name: "x", level: "debug", destination }) };
}

const CANARY = "c4n4ryC4N4RY_c4n4ry-c4n4ry0123456789";

/** Every secret that Postern handles, in the form in which it travels. */
const SECRETS = [
  `v4.public.${CANARY}.${CANARY}~v4.public.${CANARY}`,
  `v4.local.${CANARY}`,
  `k4.secret.${CANARY}${CANARY}${CANARY}`,
  `k4.local-wrap.pie.${CANARY}`,
  `postern-sidecar.acme.01J-x.${CANARY}`,
  `eyJhbGciOi.${CANARY}.${CANARY}`,
  `Bearer ${CANARY}`,
  `bearer\t${CANARY}`,
  `Basic ${CANARY}==`,
  `https://user:${CANARY}@example.com/mcp`,
  `postgres://postern:${CANARY}@db/postern`,
  `https://example.com/mcp?api_key=${CANARY}&x=1`,
  `https://example.com/mcp?x=1&access_token=${CANARY}`,
  `-----BEGIN PRIVATE KEY-----\n${CANARY}\n-----END PRIVATE KEY-----`,
  `ghp_${CANARY.replaceAll(/[_-]/g, "")}`,
  `sk-proj-${CANARY}`,
  "AKIAC4N4RYC4N4RY0123",
];

test("a secret is cut out by its form, wherever it stands in a line", () => {
  for (const secret of SECRETS) {
    const { lines, log } = capture();
    const cause = new Error(secret);
    log.info(`said ${secret}`, { text: `before ${secret} after`, deep: { a: [{ b: { c: secret } }] } });
    log.warn("an error", { err: new Error(`no: ${secret}`, { cause }), set: new Set([secret]) });
    log.error("failed", new Fault("upstream", "upstream.reset", secret, { detail: secret, cause }), {
      map: new Map([["url", secret]]),
    });
    log.error("thrown", secret);
    log.with({ by: secret, nested: { x: secret } }).info("child");
    assert.equal(lines.length, 5);
    for (const line of lines) {
      assert.doesNotMatch(line, /c4n4ry|C4N4RY/, secret.slice(0, 16));
      assert.doesNotThrow(() => JSON.parse(line));
    }
  }
});

test("a secret's name hides its value in any spelling and at any depth, also in a child's fields", () => {
  const names = [
    "Authorization",
    "X-Api-Key",
    "apiKey",
    "clientSecret",
    "client_secret",
    "accessToken",
    "refresh-token",
    "Set-Cookie",
    "intentPrompt",
    "X-Intent-Prompt",
    "argValues",
    "adminToken",
    "capability_token",
  ];
  for (const name of names) {
    const { lines, log } = capture();
    log.with({ [name]: "canary", a: { [name]: "canary" } }).info("m", {
      [name]: "canary",
      a: { b: [{ c: { [name]: { any: "canary" } } }] },
      map: new Map([[name, "canary"]]),
    });
    assert.doesNotMatch(lines[0] ?? "", /canary/, name);
  }
});

test("ordinary fields are not touched", () => {
  const { lines, log } = capture();
  const fields = {
    tool: "read_file",
    token_id: "01J",
    keys: 3,
    reason: "capability.missing",
    kid: "k4.pid.abc",
    public: "k4.public.abcdefghijklmnop",
    url: "http://127.0.0.1:8080/v1/mcp?cursor=3",
    at: new Date(0),
    none: null,
  };
  log.info("Send it as 'Authorization: Bearer <token>'.", fields);
  const line = JSON.parse(lines[0] ?? "") as Record<string, unknown>;
  assert.equal(line.msg, "Send it as 'Authorization: Bearer <token>'.");
  for (const [name, value] of Object.entries(fields))
    assert.deepEqual(line[name], value instanceof Date ? value.toISOString() : value, name);
});

test("a caller's text can neither begin a line nor a field, and takes bounded room", () => {
  const { lines, log } = capture();
  const hostile = 'x"}\n{"level":"error","msg":"forged"}\r\n\u2028\u001b[31m';
  log.info(hostile, { tool: hostile, long: "y".repeat(1_000_000), many: Array(10_000).fill(hostile) });
  assert.equal(lines.length, 1);
  const line = lines[0] ?? "";
  assert.equal(line.indexOf("\n"), line.length - 1);
  assert.ok(line.length < 20_000, String(line.length));
  assert.ok(!line.includes("\u001b"));
  const read = JSON.parse(line) as Record<string, unknown>;
  assert.deepEqual([read.level, read.msg, read.tool], ["info", hostile, hostile]);
});

test("what has no end is cut, and what cannot be told is left out", () => {
  const { lines, log } = capture();
  const circle: Record<string, unknown> = { name: "circle" };
  circle.self = circle;
  log.info("m", {
    circle,
    call: () => {},
    big: 1n,
    bytes: Buffer.from("canary"),
    secret: { toJSON: () => "canary" },
  });
  const line = lines[0] ?? "";
  assert.doesNotMatch(line, /canary/);
  assert.match(line, /"bytes":"\[6 bytes\]"/);
  assert.doesNotThrow(() => JSON.parse(line));
});

test("a line stays JSON whatever is cut out of it", () => {
  const part = fc.oneof(
    fc.constantFrom(...SECRETS),
    fc.string({ unit: "binary" }),
    fc.constantFrom('"', "\\", " "),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 5 }), (parts) => {
      assert.doesNotThrow(() => JSON.parse(redactLine(JSON.stringify({ text: parts.join("") }))));
    }),
  );
});

test("long hostile lines are searched in no time worth speaking of", () => {
  for (const unit of [
    "://a",
    "?",
    "v4.public.",
    "eyJa.",
    "eyJaa-",
    "bearer ",
    "-----BEGIN A",
    "a.b",
    "%20",
    "postern-sidecar.a",
  ]) {
    const line = unit.repeat(200_000 / unit.length);
    const startMs = performance.now();
    redactLine(line);
    assert.ok(performance.now() - startMs < 1_000, unit);
  }
});
