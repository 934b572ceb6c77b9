// One reading (P1) against the real sidecar: what two parsers could read differently, in the body or between body and headers, is refused
// before anybody asks who sent it, and what is let through arrives as the very bytes, which a parser of another language reads as it was judged.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { vectors } from "@postern/testkit";
import { assertRefused, startHostileStack } from "./hostile-stack.ts";
import { callBody, MODERN_VERSION, modernBody, modernHead, requestBody } from "./message.ts";
import { type Reading, readAgain } from "./second-reader.ts";

const stack = await startHostileStack({ after }, { env: { POSTERN_BODY_BYTES_MAX: "1048576" } });
const { upstream } = stack;
/** Bodies that were let through, by request id. */
const accepted = new Map<string, Buffer>();

const base64 = (text: string) => `=?base64?${Buffer.from(text).toString("base64")}?=`;
const modern = (name: string) => modernBody("tools/call", { name, arguments: {} });
const head = (lines: readonly string[], without = "", instead = "") =>
  lines.flatMap((line) =>
    line.startsWith(without) && without !== "" ? (instead === "" ? [] : [instead]) : [line],
  );
const HEAD = modernHead("tools/call", "record");

const MISMATCHES: readonly (readonly [
  title: string,
  head: readonly string[],
  body?: string,
  code?: number,
])[] = [
  ["a harmless name in the header, another in the body", HEAD, modern("forbidden")],
  ["another method in the header", head(HEAD, "Mcp-Method", "Mcp-Method: tools/list")],
  ["the method in another case", head(HEAD, "Mcp-Method", "Mcp-Method: Tools/Call")],
  ["no Mcp-Method", head(HEAD, "Mcp-Method")],
  ["no Mcp-Name", head(HEAD, "Mcp-Name")],
  ["an empty Mcp-Name", head(HEAD, "Mcp-Name", "Mcp-Name:")],
  ["Base64 of another name", head(HEAD, "Mcp-Name", `Mcp-Name: ${base64("forbidden")}`)],
  ["Base64 of Base64", head(HEAD, "Mcp-Name", `Mcp-Name: ${base64(base64("record"))}`)],
  ["Base64 that is not canonical", head(HEAD, "Mcp-Name", "Mcp-Name: =?base64?cmVjb3Jk==?=")],
  [
    "the sentinel in another case",
    head(HEAD, "Mcp-Name", `Mcp-Name: ${base64("record").replace("base64", "BASE64")}`),
  ],
  ["the name inside a longer one", head(HEAD, "Mcp-Name", "Mcp-Name: record,forbidden")],
  ["a modern body with no version header", head(HEAD, "MCP-Protocol-Version")],
  ["a modern body under 2025-03-26", head(HEAD, "MCP-Protocol-Version", "MCP-Protocol-Version: 2025-03-26")],
  ["a modern body under 2025-11-25", head(HEAD, "MCP-Protocol-Version", "MCP-Protocol-Version: 2025-11-25")],
  ["a legacy header that is false", ["Mcp-Name: record"], callBody("forbidden")],
  ["a name header beside a list", ["Mcp-Name: record"], requestBody("tools/list")],
  ["an answer with a method header", ["Mcp-Method: tools/call"], '{"jsonrpc":"2.0","id":1,"result":{}}'],
];
for (const [title, lines, body = modern("record"), code = -32020] of MISMATCHES) {
  test(`headers that do not say what the body says are refused: ${title}`, async () => {
    assertRefused(stack, await stack.ask({ head: lines, body }), { status: 400, code });
  });
}

const DOUBLED: readonly (readonly [title: string, head: readonly string[], status: number])[] = [
  ["Mcp-Name twice", [...HEAD, "Mcp-Name: record"], 400],
  ["Mcp-Method twice", [...HEAD, "mcp-method: tools/call"], 400],
  ["the version twice", [...HEAD, `MCP-PROTOCOL-VERSION: ${MODERN_VERSION}`], 400],
  ["a session twice", [...HEAD, "Mcp-Session-Id: a", "Mcp-Session-Id: b"], 400],
  ["Content-Type twice", [...HEAD, "Content-Type: text/plain"], 400],
  ["characters outside ASCII", head(HEAD, "Mcp-Name", "Mcp-Name: r\xe9cord"), 400],
  ["an unknown version", ["MCP-Protocol-Version: 1999-01-01"], 400],
  ["a version that only begins like one", [`MCP-Protocol-Version: ${MODERN_VERSION}x`], 400],
];
for (const [title, lines, status] of DOUBLED) {
  test(`a header that two servers could read differently is refused: ${title}`, async () => {
    assertRefused(stack, await stack.ask({ head: lines, body: modern("record") }), { status });
  });
}

const params = (text: string) => `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${text}}`;
const args = (text: string) => params(`{"name":"record","arguments":${text}}`);
const GOOD = args("{}");

const BODIES: readonly (readonly [title: string, body: string | Buffer, code: number])[] = [
  [
    "method twice",
    `{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call","params":{"name":"record"}}`,
    -32600,
  ],
  [
    "params twice",
    `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"forbidden"},"params":{"name":"record"}}`,
    -32600,
  ],
  ["name twice", params('{"name":"forbidden","name":"record"}'), -32600],
  ["name twice, once in escapes", params('{"name":"forbidden","n\\u0061me":"record"}'), -32600],
  ["id twice", `{"jsonrpc":"2.0","id":1,"id":2,"method":"tools/call","params":{"name":"record"}}`, -32600],
  ["a key twice deep in the arguments", args('{"a":[{"b":{"c":1,"\\u0063":2}}]}'), -32600],
  [
    "Method beside method",
    `{"jsonrpc":"2.0","id":1,"Method":"tools/call","method":"tools/list","params":{}}`,
    -32600,
  ],
  ["METHOD alone", `{"jsonrpc":"2.0","id":1,"METHOD":"tools/call","params":{"name":"record"}}`, -32600],
  ["Name beside name", params('{"Name":"forbidden","name":"record"}'), -32600],
  ["Name alone", params('{"Name":"record"}'), -32600],
  ["Arguments beside arguments", params('{"name":"record","Arguments":{"x":1},"arguments":{}}'), -32600],
  [
    "paramſ (long s)",
    `{"jsonrpc":"2.0","id":1,"method":"tools/call","param\u017f":{"name":"forbidden"},"params":{"name":"record"}}`,
    -32600,
  ],
  ["taſkId (long s) in escapes", requestBody("tasks/get", {}).replace("{}", '{"ta\\u017fkId":"a"}'), -32600],
  ["toKen with a Kelvin sign", params('{"name":"record","_meta":{"progressTo\u212aen":1}}'), -32600],
  ["a full-width ｎame", params('{"\uff4eame":"forbidden","name":"record"}'), -32600],
  ["NUL after a key", params('{"name\\u0000":"forbidden","name":"record"}'), -32600],
  ["a zero-width joiner in a key", params('{"na\u200dme":"forbidden","name":"record"}'), -32600],
  ["a soft hyphen in a key", params('{"na\u00adme":"forbidden","name":"record"}'), -32600],
  ["__proto__ in the arguments", args('{"__proto__":{"x":1}}'), -32600],
  ["__proto__ in the envelope", `{"__proto__":{"method":"tools/call"},${GOOD.slice(1)}`, -32600],
  ["constructor in params", params('{"constructor":{},"name":"record"}'), -32600],
  ["half of a surrogate pair", args('{"a":"\\ud800"}'), -32600],
  ["half of a pair as a name", params('{"name":"record\\udc00"}'), -32600],
  ["a byte order mark", `\ufeff${GOOD}`, -32700],
  ["UTF-16, little end first", Buffer.from(GOOD, "utf16le"), -32700],
  ["UTF-16, big end first", Buffer.from(GOOD, "utf16le").swap16(), -32700],
  ["UTF-32", Buffer.from([...GOOD].flatMap((each) => [0, 0, 0, each.charCodeAt(0)])), -32700],
  ["UTF-7", args('{"a":"+ACI-"}').replaceAll('"', "+ACI-"), -32600],
  ["an overlong sequence", Buffer.from(args('{"a":"\xc0\xaf"}'), "latin1"), -32700],
  ["a surrogate in UTF-8", Buffer.from(args('{"a":"\xed\xa0\x80"}'), "latin1"), -32700],
  ["2^53 + 1", args('{"amount":9007199254740993}'), -32600],
  ["1e400", args('{"amount":1e400}'), -32600],
  ["a number below the least", args('{"amount":1e-400}'), -32600],
  ["-0", args('{"amount":-0}'), -32600],
  ["nested 65 deep", args(`{"a":${"[".repeat(62)}${"]".repeat(62)}}`), -32600],
  ["nested 400,000 deep", args(`{"a":${"[".repeat(400_000)}${"]".repeat(400_000)}}`), -32600],
  ["200,000 members", args(`{"a":[${"0,".repeat(200_000)}0]}`), -32600],
  ["bytes after the end", `${GOOD}x`, -32700],
  ["NUL after the end", `${GOOD}\0`, -32700],
  ["two documents", `${GOOD}${GOOD}`, -32700],
  ["two documents on two lines", `${GOOD}\n${GOOD}`, -32700],
  ["a record separator (json-seq)", `\x1e${GOOD}\n`, -32700],
  ["a comment", `${GOOD.slice(0, -1)}/* x */}`, -32700],
  ["a comment to the end of the line", `// x\n${GOOD}`, -32700],
  ["single quotes", GOOD.replaceAll('"', "'"), -32700],
  ["a comma at the end", args('{"a":1,}'), -32700],
  ["NaN", args('{"a":NaN}'), -32700],
  ["a hexadecimal number", args('{"a":0x10}'), -32700],
  ["a leading zero", args('{"a":010}'), -32700],
  ["a tab in a string", args('{"a":"\t"}'), -32700],
  ["an empty body", " ", -32700],
  ["a JSON text that is no object", '"tools/call"', -32600],
  ["a batch with a forbidden call", `[${GOOD},${callBody("forbidden", {}, 2)}]`, -32600],
  ["a batch of one", `[${GOOD}]`, -32600],
  ["an empty batch", "[]", -32600],
  [
    "a batch of a notification and a request",
    `[{"jsonrpc":"2.0","method":"notifications/initialized"},${GOOD}]`,
    -32600,
  ],
  ["id null", GOOD.replace('"id":1', '"id":null'), -32600],
  ["id true", GOOD.replace('"id":1', '"id":true'), -32600],
  ["id 1.5", GOOD.replace('"id":1', '"id":1.5'), -32600],
  ["id 1e0", GOOD.replace('"id":1', '"id":1e0'), -32600],
  ["id 2^53", GOOD.replace('"id":1', '"id":9007199254740992'), -32600],
  ["id as an object", GOOD.replace('"id":1', '"id":{}'), -32600],
  ["an id of 10,000 characters", GOOD.replace('"id":1', `"id":"${"i".repeat(10_000)}"`), -32600],
  ["JSON-RPC 1.0", GOOD.replace('"2.0"', '"1.0"'), -32600],
  ["a request that is an answer too", GOOD.replace('"id":1', '"id":1,"result":{}'), -32600],
  ["params as a list", params('["record",{}]'), -32602],
  ["a name that is no text", params('{"name":["record"]}'), -32602],
  ["a name with a line end", params('{"name":"record\\n"}'), -32602],
  ["a name with NUL", params('{"name":"record\\u0000"}'), -32602],
  ["arguments as text", params('{"name":"record","arguments":"{}"}'), -32602],
  ["_meta as a list", params('{"name":"record","_meta":[]}'), -32602],
  ["a method with a control character", GOOD.replace("tools/call", "tools/call\\u0000"), -32600],
];
for (const [title, body, code] of BODIES) {
  test(`a body that two parsers could read differently is refused: ${title}`, async () => {
    assertRefused(stack, await stack.ask({ body }), { status: 400, code, reason: "message.malformed" });
  });
}

test("a body of more bytes than may be is refused with the number", async () => {
  const answer = await stack.ask({ body: args(`{"a":"${"x".repeat(10_000_000)}"}`) });
  assertRefused(stack, answer, { status: 413 });
  assert.match(answer.body.toString(), /1048576 bytes \(POSTERN_BODY_BYTES_MAX\)/);
});

/** Sends a body that may pass; whether it did. */
async function offer(id: string, body: Buffer): Promise<boolean> {
  const answer = await stack.ask({ head: [`X-Request-Id: ${id}`], body });
  const arrivals = upstream.fresh();
  if (answer.status !== 200) {
    assert.equal(answer.status, 400, id);
    assert.equal(arrivals.length, 0, id);
    return false;
  }
  assert.deepEqual(
    arrivals.map((arrival) => arrival.body),
    [body],
    `the very bytes: ${id}`,
  );
  accepted.set(id, body);
  return true;
}

const UNUSUAL: readonly string[] = [
  GOOD,
  ` \t\r\n${GOOD.replaceAll(":", " : ")}\n`,
  GOOD.replace("tools/call", "tools\\u002fcall"),
  GOOD.replace('"record"', '"\\u0072ecord"'),
  GOOD.replace('"id":1', '"id":"\\u0031"'),
  args('{"Name":"x","METHOD":1,"constructor":2,"a\\u0000b":3,"":4}'),
  args('{"a":1.0,"b":1E2,"c":-0.0,"d":9007199254740991,"e":5e-324,"f":1.7976931348623157e308}'),
  args('{"a":"\\ud83d\\ude00 😀 \\u2028 \\" \\/ \\u007f"}'),
  args('{"k":{"a":[[[{"a":1}]]]},"a":[true,false,null]}'),
  params('{"name":"record","arguments":{},"_meta":{"x":{"name":"forbidden"}},"other":{"name":"forbidden"}}'),
  `{"params":{"arguments":{"name":"forbidden"},"name":"record"},"method":"tools/call","id":7,"jsonrpc":"2.0"}`,
];
test("unusual spellings of one meaning pass as they are", async () => {
  for (const [at, text] of UNUSUAL.entries())
    assert.equal(await offer(`unusual-${at}`, Buffer.from(text)), true, text);
});

/** Legal texts that a rule of ours refuses: -0 twice, and keys that stand twice. */
const STRICTER = /^y_(number_minus_zero|number_negative_zero|object_duplicated_key.*)\.json$/;

test("JSONTestSuite as arguments: what is illegal never passes, and what is legal passes as it is", async (t) => {
  const folder = vectors("json-parsing");
  if (folder === undefined) return t.skip("official vectors not found: json-parsing");
  for (const [at, name] of readdirSync(join(folder, "test_parsing")).entries()) {
    const [before, behind] = args('{"value":@}').split("@");
    const file = readFileSync(join(folder, "test_parsing", name));
    const passed = await offer(
      `suite-${at}`,
      Buffer.concat([Buffer.from(before ?? ""), file, Buffer.from(behind ?? "")]),
    );
    if (name.startsWith("n_") || STRICTER.test(name)) assert.equal(passed, false, name);
    else if (name.startsWith("y_")) assert.equal(passed, true, name);
  }
});

test("in the modern era too the very bytes travel, with the headers that say the same", async () => {
  const body = Buffer.from(modernBody("tools/call", { name: "record", arguments: { modern: true } }));
  const answer = await stack.ask({ head: modernHead("tools/call", base64("record")), body });
  assert.equal(answer.status, 200, answer.body.toString());
  const [arrival] = upstream.fresh();
  assert.deepEqual(arrival?.body, body);
});

test("a parser of another language reads each body that passed as it was judged", async (t) => {
  const events = new Map((await stack.events()).map((event) => [event.request_id, event]));
  const bodies = [...accepted];
  const readings = readAgain(bodies.map(([, body]) => body));
  if (readings === undefined) return t.skip("python3 not found: no second opinion on what passed");
  assert.equal(readings.length, bodies.length);
  for (const [at, [id]] of bodies.entries()) {
    const event = events.get(id);
    const reading: Reading = readings[at];
    assert.ok(event !== undefined && reading !== undefined, id);
    assert.deepEqual([event.decision, event.outcome], ["allow", "executed"], id);
    assert.deepEqual([event.method, event.tool], [reading.method, reading.name], id);
    assert.equal(JSON.stringify(sorted(event.arg_values)), JSON.stringify(sorted(reading.args)), id);
  }
  t.diagnostic(`${bodies.length} bodies read alike by both`);
});

test("what was refused before anybody asked who sent it left no event, and what passed left one", async () => {
  const events = await stack.events();
  assert.equal(events.length, upstream.arrivals.length);
});

/** Events hold their members in an order of their own. */
function sorted(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(sorted);
  const entries = Object.entries(value).map(([key, inner]) => [key, sorted(inner)] as const);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
