import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { refusalResponse } from "./answers.ts";
import { progressTokenOf, toolCallOf } from "./message.ts";
import { readMessage, readServerMessage } from "./read-message.ts";
import { spliceId } from "./splice.ts";

const LIMITS = { bytesMax: 65_536 };
const read = (text: string) => readMessage(Buffer.from(text), LIMITS);
const call = (params: string, rest = "") =>
  `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}${rest}}`;

function accepted(text: string) {
  const result = read(text);
  assert.ok(result.ok, result.ok ? "" : `${text}: ${result.detail}`);
  return result.message;
}

test("a request, a notification, an answer and a failure are told apart", () => {
  const request = accepted('{"jsonrpc":"2.0","id":"a","method":"ping"}');
  assert.deepEqual(request, {
    kind: "request",
    id: { value: "a", text: '"a"', span: { start: 22, end: 25 } },
    method: "ping",
    params: undefined,
  });
  assert.equal(accepted('{"jsonrpc":"2.0","method":"notifications/initialized"}').kind, "notification");
  const answer = accepted('{"jsonrpc":"2.0","id":3,"result":{}}');
  assert.ok(answer.kind === "response" && answer.error === undefined && answer.id?.value === 3);
  const failure = accepted('{"jsonrpc":"2.0","id":3,"error":{"code":1,"message":"no"}}');
  assert.ok(failure.kind === "response" && failure.error?.code === 1);
});

test("a tool call is read with its exact name and its own arguments, as request and as notification", () => {
  const text = call('{"name":"get-sum","arguments":{"valueOf":{"a":1},"b":2},"_meta":{"progressToken":9}}');
  const message = accepted(text);
  const toolCall = toolCallOf(message);
  assert.equal(toolCall?.name, "get-sum");
  assert.deepEqual(Object.keys(toolCall?.arguments ?? {}), ["valueOf", "b"]);
  assert.equal(progressTokenOf(message), 9);
  const notified = accepted('{"jsonrpc":"2.0","method":"tools/call","params":{"name":"x"}}');
  assert.deepEqual(toolCallOf(notified), { name: "x", arguments: {} });
  assert.equal(toolCallOf(accepted('{"jsonrpc":"2.0","id":1,"method":"tools/list"}')), undefined);
});

test("a method that is spelt with escapes is the method that it spells", () => {
  assert.equal(
    toolCallOf(accepted('{"jsonrpc":"2.0","id":1,"method":"tools\\u002fcall","params":{"name":"x"}}'))?.name,
    "x",
  );
});

/** Message, code, and what the detail says. */
const REFUSED: readonly (readonly [text: string, code: number, detail: RegExp])[] = [
  ["not json", -32700, /not JSON/],
  ["[]", -32600, /batches/],
  [`[${call('{"name":"x"}')}]`, -32600, /batches/],
  ['"text"', -32600, /not an object/],
  ["null", -32600, /not an object/],
  ['{"id":1,"method":"ping"}', -32600, /jsonrpc/],
  ['{"jsonrpc":2.0,"id":1,"method":"ping"}', -32600, /jsonrpc/],
  ['{"jsonrpc":"2.0","id":1}', -32600, /neither a method/],
  ['{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}', -32600, /not both/],
  ['{"jsonrpc":"2.0","id":1,"result":{},"error":{}}', -32600, /exactly one/],
  ['{"jsonrpc":"2.0","result":{}}', -32600, /id it answers/],
  ['{"jsonrpc":"2.0","id":1,"error":"no"}', -32600, /error must be/],
  ['{"jsonrpc":"2.0","id":1,"method":""}', -32600, /method must be/],
  ['{"jsonrpc":"2.0","id":1,"method":"tools/call\\u0000"}', -32600, /method must be/],
  [`{"jsonrpc":"2.0","id":1,"method":"${"m".repeat(129)}"}`, -32600, /method must be/],
  ['{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}', -32602, /params must be/],
  ['{"jsonrpc":"2.0","id":1,"method":"ping","params":null}', -32602, /params must be/],
  ['{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":1}}', -32602, /_meta must be/],
  ['{"jsonrpc":"2.0","id":1,"method":"tools/call"}', -32602, /params.name/],
  [call("{}"), -32602, /params.name/],
  [call('{"name":1}'), -32602, /params.name/],
  [call('{"name":""}'), -32602, /params.name/],
  [call('{"name":"x\\u0000"}'), -32602, /params.name/],
  [call(`{"name":"${"x".repeat(257)}"}`), -32602, /params.name/],
  [call('{"name":"x","arguments":[]}'), -32602, /params.arguments/],
  [call('{"name":"x","arguments":null}'), -32602, /params.arguments/],
  // The id: what servers treat in different ways, or would not echo as it was written.
  ['{"jsonrpc":"2.0","id":null,"method":"ping"}', -32600, /id must be/],
  ['{"jsonrpc":"2.0","id":1.5,"method":"ping"}', -32600, /id must be/],
  ['{"jsonrpc":"2.0","id":1.0,"method":"ping"}', -32600, /id must be/],
  ['{"jsonrpc":"2.0","id":1e0,"method":"ping"}', -32600, /id must be/],
  ['{"jsonrpc":"2.0","id":true,"method":"ping"}', -32600, /id must be/],
  ['{"jsonrpc":"2.0","id":{},"method":"ping"}', -32600, /id must be/],
  ['{"jsonrpc":"2.0","id":[1],"method":"ping"}', -32600, /id must be/],
  ['{"jsonrpc":"2.0","id":9007199254740993,"method":"ping"}', -32600, /beyond 2\^53/],
  ['{"jsonrpc":"2.0","id":-0,"method":"ping"}', -32600, /-0/],
  [`{"jsonrpc":"2.0","id":"${"i".repeat(257)}","method":"ping"}`, -32600, /id must be/],
  // Twice the same key: the upstream would take the second.
  [call('{"name":"safe","name":"evil"}'), -32600, /twice/],
  [call('{"name":"safe","n\\u0061me":"evil"}'), -32600, /twice/],
  [call('{"name":"safe"}', ',"params":{"name":"evil"}'), -32600, /twice/],
  [call('{"name":"safe"}', ',"method":"tools/list"'), -32600, /twice/],
  [call('{"name":"safe","arguments":{"path":"/a","path":"/b"}}'), -32600, /twice/],
  // Keys that some parser takes for a reserved one.
  [call('{"name":"safe","Name":"evil"}'), -32600, /'Name' in params/],
  [call('{"name":"safe","NAME":"evil"}'), -32600, /'NAME' in params/],
  [call('{"name":"safe","name\\u0000":"evil"}'), -32600, /in params/],
  [call('{"name":"safe","name ":"evil"}'), -32600, /in params/],
  [call('{"name":"safe","argumentſ":{}}'), -32600, /in params/],
  [call('{"name":"safe","ｎａｍｅ":"evil"}'), -32600, /in params/],
  [call('{"name":"safe","na\\u200bme":"evil"}'), -32600, /in params/],
  [call('{"name":"safe","_meta":{"progresstoKen":1}}'), -32600, /in params._meta/],
  [call('{"name":"safe","_Meta":{}}'), -32600, /in params/],
  [call('{"name":"safe"}', ',"paramſ":{"name":"evil"}'), -32600, /in the message/],
  [call('{"name":"safe"}', ',"Method":"tools/list"'), -32600, /in the message/],
  [call('{"name":"safe"}', ',"ID":2'), -32600, /in the message/],
  [call('{"name":"safe"}', ',"jsonRPC":"2.0"'), -32600, /in the message/],
  // Keys that objects inherit: a reader that merges objects would change what it was given.
  [call('{"name":"safe"}', ',"constructor":{"prototype":{"x":1}}'), -32600, /'constructor' in the message/],
  [call('{"name":"safe","prototype":{}}'), -32600, /'prototype' in params/],
  [call('{"name":"safe","_meta":{"constructor":1}}'), -32600, /'constructor' in params._meta/],
  [call('{"name":"safe"}', ',"__proto__":{"method":"x"}'), -32600, /__proto__/],
  [call('{"name":"safe","__proto__":{"name":"evil"}}'), -32600, /__proto__/],
  [call('{"name":"safe","_meta":{"__proto__":{}}}'), -32600, /__proto__/],
  [call('{"name":"safe","arguments":{"a":[{"__proto__":{"admin":true}}]}}'), -32600, /__proto__/],
  [call('{"name":"safe","arguments":{"\\u005f_proto__":1}}'), -32600, /__proto__/],
];

for (const [text, code, detail] of REFUSED) {
  test(`refuses ${JSON.stringify(text.slice(0, 90))}`, () => {
    const result = read(text);
    assert.ok(!result.ok);
    assert.equal(result.code, code);
    assert.match(result.detail, detail);
    assert.equal(result.httpStatus, 400);
  });
}

test("the content of arguments may hold any other key", () => {
  const text = call(
    '{"name":"x","arguments":{"Name":1,"NAME":2,"params":{},"Params":{},"jsonrpc":"1","\\u0000":1,"paramſ":3,"constructor":1,"prototype":2}}',
  );
  assert.equal(Object.keys(toolCallOf(accepted(text))?.arguments ?? {}).length, 9);
});

test("a refusal echoes the id exactly when the id was read beyond doubt", () => {
  const idIn = (text: string) => {
    const result = read(text);
    assert.ok(!result.ok);
    return JSON.parse(refusalResponse(result)).id;
  };
  assert.equal(idIn('{"jsonrpc":"2.0","id":"\\u0061b","method":"tools/call"}'), "ab");
  assert.equal(idIn('{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}'), null);
  assert.equal(idIn("{"), null);
});

test("an id keeps its own spelling and can be replaced without touching another byte", () => {
  const text =
    '{ "jsonrpc" : "2.0", "params":{"id":5,"name":"x","arguments":{"big":0.10}}, "id" : "\\u0061/\\"b" ,"method":"tools/call"}';
  const message = accepted(text);
  assert.ok(message.kind === "request");
  assert.equal(message.id.text, '"\\u0061/\\"b"');
  assert.equal(message.id.value, 'a/"b');
  assert.equal(
    Buffer.from(spliceId(Buffer.from(text), message.id, "42")).toString(),
    text.replace('"\\u0061/\\"b"', "42"),
  );
});

test("property: whatever id and arguments a request has, replacing the id changes only the id", () => {
  const id = fc.oneof(fc.maxSafeInteger(), fc.string({ maxLength: 40 }));
  const keys = fc.string().filter((key) => key !== "__proto__");
  fc.assert(
    fc.property(id, fc.dictionary(keys, fc.string()), fc.nat(1_000_000), (value, args, other) => {
      const body = (used: unknown) => ({
        jsonrpc: "2.0",
        id: used,
        method: "tools/call",
        params: { name: "t", arguments: args },
      });
      const bytes = Buffer.from(JSON.stringify(body(value)));
      const result = readMessage(bytes, LIMITS);
      assert.ok(result.ok && result.message.kind === "request");
      assert.equal(result.message.id.value, value);
      assert.equal(
        Buffer.from(spliceId(bytes, result.message.id, String(other))).toString(),
        JSON.stringify(body(other)),
      );
    }),
    { numRuns: 300 },
  );
});

test("a server's message is read as any client would read it", () => {
  const readServer = (text: string) => readServerMessage(Buffer.from(text), LIMITS);
  const answer = readServer(
    '{"jsonrpc":"2.0","id":7,"result":{"n":9223372036854775807,"s":"\\ud800","n":1}}',
  );
  assert.ok(answer.ok && answer.message.kind === "response" && answer.message.id?.value === 7);
  const lost = readServer('{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"parse error"}}');
  assert.ok(lost.ok && lost.message.kind === "response" && lost.message.id === undefined);
  const request = readServer('{"jsonrpc":"2.0","id":0,"method":"sampling/createMessage","params":{}}');
  assert.ok(request.ok && request.message.kind === "request");
  assert.equal(readServer("log line").ok, false);
  assert.equal(readServer("{}").ok, false);
});
