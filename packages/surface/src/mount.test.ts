import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault } from "@postern/fault";
import { Hono } from "hono";
import { z } from "zod";
import {
  answer,
  type Door,
  failureStatus,
  flag,
  mount,
  ndjson,
  type Operation,
  type Outcome,
  operationsFor,
  pageOf,
  pageQuery,
  sse,
  wholeNumber,
} from "./index.ts";

interface Context {
  readonly caller: string | undefined;
}

const operation = operationsFor<Context>();
const Note = z.strictObject({ id: z.string(), text: z.string() });
const NoteBody = z.strictObject({
  text: z.string().max(100),
  tags: z.array(z.string()).optional(),
  extra: z.json().optional(),
});

const rows: Operation<Context>[] = [
  operation({
    id: "note_create",
    method: "POST",
    path: "/v1/notes",
    summary: "Create a note",
    permission: "notes.write",
    audit: "notes/create",
    status: 201,
    body: NoteBody,
    reply: Note,
    run: ({ body }) => answer({ id: "n1", text: body.text }, { headers: { location: "/v1/notes/n1" } }),
  }),
  operation({
    id: "note_list",
    method: "GET",
    path: "/v1/notes",
    summary: "List notes",
    permission: "notes.read",
    audit: "none",
    status: 200,
    query: z.strictObject({ ...pageQuery({ limitMax: 10 }), archived: flag().optional() }),
    reply: pageOf(Note),
    run: ({ query }, { caller }) => ({ items: [{ id: String(query.limit), text: caller ?? "" }] }),
  }),
  operation({
    id: "note_view",
    method: "GET",
    path: "/v1/notes/{id}",
    summary: "View a note",
    permission: "notes.read",
    audit: "none",
    status: 200,
    params: z.strictObject({ id: z.string().regex(/^[a-z0-9]+$/) }),
    reply: Note,
    run: ({ params }) => {
      if (params.id === "gone") throw new Fault("not_found", "note.missing", "There is no such note.");
      if (params.id === "bug") throw new Error("password is hunter2");
      return { id: params.id, text: "" };
    },
  }),
  operation({
    id: "note_delete",
    method: "DELETE",
    path: "/v1/notes/{id}",
    summary: "Delete a note",
    permission: "notes.write",
    audit: "notes/delete",
    status: 204,
    params: z.strictObject({ id: z.string() }),
    run: async () => {},
  }),
  operation({
    id: "note_wrong",
    method: "GET",
    path: "/v1/wrong",
    summary: "Answers what it did not declare",
    permission: "public",
    audit: "none",
    status: 200,
    reply: Note,
    run: () => JSON.parse('{"id": 7}'),
  }),
  operation({
    id: "note_export",
    method: "GET",
    path: "/v1/export",
    summary: "Export notes",
    permission: "public",
    audit: "none",
    status: 200,
    query: z.strictObject({ count: wholeNumber(0, 1_000_000) }),
    reply: [ndjson(Note), sse()],
    run: ({ query }) => ndjson(Note).of(countTo(query.count)),
  }),
];

let opened = 0;
function* countTo(count: number) {
  opened += 1;
  for (let index = 0; index < count; index += 1) yield { id: String(index), text: "" };
}

interface Bench {
  readonly app: Hono;
  readonly outcomes: Outcome<string>[];
  readonly undone: string[];
}

function bench(limits: { bodyBytesMax?: number } = {}): Bench {
  const outcomes: Outcome<string>[] = [];
  const undone: string[] = [];
  const door: Door<string, Context> = {
    name: "notes",
    prefixes: ["/v1"],
    security: { type: "http", scheme: "bearer" },
    failureBody: z.strictObject({ error: z.string() }),
    authenticate: ({ headers }) =>
      headers.get("authorization") ?? new Fault("unauthenticated", "auth.missing", "Say who you are."),
    authorize: (principal, permission) =>
      principal === "reader" && permission !== "notes.read"
        ? new Fault("forbidden", "auth.permission", "Not yours to write.")
        : undefined,
    async within({ principal, operation: row }, work) {
      try {
        return await work({ caller: principal });
      } catch (caught) {
        undone.push(row.id);
        throw caught;
      }
    },
    failure: (fault) => ({ status: failureStatus(fault), body: { error: fault.message } }),
    report: (outcome) => outcomes.push(outcome),
    limits,
  };
  const app = new Hono();
  mount(app, { door, rows }, { newId: () => "fresh-id" });
  return { app, outcomes, undone };
}

const auth = { authorization: "writer" };
const json = { ...auth, "content-type": "application/json" };

async function post(body: string | Uint8Array | ReadableStream, headers: Record<string, string> = json) {
  const init = { method: "POST", headers, body, duplex: "half" };
  return bench({ bodyBytesMax: 1000 }).app.request("/v1/notes", init as RequestInit);
}

test("a row answers with its status, headers and checked body", async () => {
  const response = await post('{"text":"hello"}');
  assert.equal(response.status, 201);
  assert.equal(response.headers.get("location"), "/v1/notes/n1");
  assert.equal(response.headers.get("cache-control"), "no-store");
  assert.equal(response.headers.get("x-request-id"), "fresh-id");
  assert.deepEqual(await response.json(), { id: "n1", text: "hello" });
});

test("a row without reply answers with an empty body", async () => {
  const response = await bench().app.request("/v1/notes/n1", { method: "DELETE", headers: auth });
  assert.equal(response.status, 204);
  assert.equal(await response.text(), "");
});

test("the context of the door reaches the handler, and query values are read as declared", async () => {
  const response = await bench().app.request("/v1/notes?limit=3&archived=true", { headers: auth });
  assert.deepEqual(await response.json(), { items: [{ id: "3", text: "writer" }] });
});

const refusals: { name: string; path: string; init?: RequestInit; status: number; error?: RegExp }[] = [
  { name: "no credential", path: "/v1/notes", status: 401, error: /^Say who you are/ },
  {
    name: "a credential that does not cover the row",
    path: "/v1/notes",
    init: { method: "POST", headers: { authorization: "reader" } },
    status: 403,
  },
  { name: "an unknown path", path: "/v1/nothing", status: 404, error: /nothing here/ },
  { name: "the bare prefix", path: "/v1", status: 404 },
  { name: "a method the path does not answer", path: "/v1/notes", init: { method: "PUT" }, status: 405 },
  { name: "an unknown method", path: "/v1/notes", init: { method: "PROPFIND" }, status: 405 },
  {
    name: "an unknown query field",
    path: "/v1/notes?limitt=1",
    init: { headers: auth },
    status: 400,
    error: /^query\.limitt: unknown field$/,
  },
  {
    name: "a query field given twice",
    path: "/v1/notes?limit=1&limit=2",
    init: { headers: auth },
    status: 400,
    error: /^query\.limit: /,
  },
  { name: "a number in disguise", path: "/v1/notes?limit=0x1", init: { headers: auth }, status: 400 },
  { name: "an empty number", path: "/v1/notes?limit=", init: { headers: auth }, status: 400 },
  {
    name: "a prototype key in the query",
    path: "/v1/notes?__proto__=1&constructor=2",
    init: { headers: auth },
    status: 400,
    error: /^query\.__proto__: unknown field; query\.constructor: unknown field$/,
  },
  { name: "a query where none is declared", path: "/v1/notes/n1?x=1", init: { headers: auth }, status: 400 },
  {
    name: "an encoded traversal in a parameter",
    path: "/v1/notes/..%2f..%2fetc",
    init: { headers: auth },
    status: 400,
    error: /^params\.id: /,
  },
  { name: "broken percent-encoding", path: "/v1/notes/%zz", init: { headers: auth }, status: 400 },
  { name: "an encoded NUL", path: "/v1/notes/a%00", init: { headers: auth }, status: 400 },
  { name: "a Fault of the handler", path: "/v1/notes/gone", init: { headers: auth }, status: 404 },
  {
    name: "a bug of the handler",
    path: "/v1/notes/bug",
    init: { headers: auth },
    status: 500,
    error: /^Something went wrong on our side\.$/,
  },
  { name: "a reply that was not declared", path: "/v1/wrong", status: 500, error: /^Something went wrong/ },
  {
    name: "a body where none is declared",
    path: "/v1/notes/n1",
    init: { method: "DELETE", headers: { ...auth, "content-length": "2" }, body: "{}" },
    status: 400,
  },
];
for (const { name, path, init, status, error } of refusals)
  test(`${name} is refused with ${status} in the door's envelope`, async () => {
    const { app, outcomes } = bench();
    const response = await app.request(path, init);
    assert.equal(response.status, status);
    const body = z.strictObject({ error: z.string() }).parse(await response.json());
    if (error !== undefined) assert.match(body.error, error);
    assert.equal(outcomes.length, 1);
    assert.equal(outcomes[0]?.status, status);
    assert.ok(outcomes[0]?.fault instanceof Fault);
  });

const bodies: {
  name: string;
  body: string | Uint8Array;
  headers?: Record<string, string>;
  status: number;
}[] = [
  { name: "an empty body", body: "", status: 400 },
  { name: "text that is not JSON", body: "{text:1}", status: 400 },
  { name: "two JSON texts", body: '{"text":""}{"text":""}', status: 400 },
  { name: "a byte order mark", body: '\uFEFF{"text":""}', status: 400 },
  { name: "invalid UTF-8", body: Uint8Array.of(0x22, 0xff, 0x22), status: 400 },
  { name: "an unknown field", body: '{"text":"","rank":1}', status: 400 },
  { name: "a wrong type", body: '{"text":1}', status: 400 },
  { name: "a top-level __proto__ key", body: '{"text":"","__proto__":{}}', status: 400 },
  { name: "a nested __proto__ key", body: '{"text":"","extra":{"a":[{"__proto__":{"x":1}}]}}', status: 400 },
  { name: "a spelled-out __proto__ key", body: '{"text":"","extra":{"\\u005f_proto__":1}}', status: 400 },
  { name: "a NUL in a text", body: '{"text":"a\\u0000b"}', status: 400 },
  { name: "deep nesting", body: `{"text":"","extra":${"[".repeat(300)}${"]".repeat(300)}}`, status: 400 },
  {
    name: "a form",
    body: "text=1",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    status: 415,
  },
  { name: "no content type", body: '{"text":""}', headers: { "content-type": "" }, status: 415 },
  {
    name: "another charset",
    body: "{}",
    headers: { "content-type": "application/json; charset=utf-16" },
    status: 415,
  },
  { name: "a compressed body", body: "{}", headers: { "content-encoding": "gzip" }, status: 415 },
  { name: "a large body", body: JSON.stringify({ text: "x".repeat(1000) }), status: 413 },
];
for (const { name, body, headers, status } of bodies)
  test(`${name} is refused with ${status}`, async () => {
    const response = await post(body, { ...json, ...headers });
    assert.equal(response.status, status);
    assert.equal(Object.hasOwn(Object.prototype, "x"), false);
  });

test("a body's refusal names the path of every field and quotes no value", async () => {
  const response = await post('{"text":5,"tags":["ok","secret",7],"surprise":"hunter2"}');
  assert.deepEqual(await response.json(), {
    error: "body.text: must be text; body.tags[2]: must be text; body.surprise: unknown field",
  });
});

test("a body without a length is cut off at the limit, and the connection is not used again", async () => {
  let pulled = 0;
  let isCancelled = false;
  const endless = new ReadableStream({
    pull(controller) {
      pulled += 1;
      controller.enqueue(new Uint8Array(400));
    },
    cancel() {
      isCancelled = true;
    },
  });
  const response = await post(endless);
  assert.equal(response.status, 413);
  assert.deepEqual(await response.json(), { error: "The body is larger than 1000 bytes." });
  assert.equal(response.headers.get("connection"), "close");
  assert.ok(pulled < 6);
  assert.ok(isCancelled);
});

test("a body of a million brackets is refused, not overflowed", async () => {
  const body = `{"text":"","extra":${"[".repeat(500_000)}${"]".repeat(500_000)}}`;
  const response = await bench().app.request("/v1/notes", { method: "POST", headers: json, body });
  assert.equal(response.status, 400);
});

test("an answer that does not match its declaration undoes the unit of work", async () => {
  const { app, undone } = bench();
  await app.request("/v1/wrong");
  assert.deepEqual(undone, ["note_wrong"]);
});

test("405 and OPTIONS name the methods that the path answers", async () => {
  const { app } = bench();
  const put = await app.request("/v1/notes", { method: "PUT" });
  const options = await app.request("/v1/notes", { method: "OPTIONS" });
  assert.equal(put.headers.get("allow"), "POST, GET, HEAD, OPTIONS");
  assert.equal(options.headers.get("allow"), "POST, GET, HEAD, OPTIONS");
  assert.equal(options.status, 204);
  assert.equal((await app.request("/v1/nothing", { method: "OPTIONS" })).status, 404);
});

test("HEAD answers like GET without the body, and opens no stream", async () => {
  const { app } = bench();
  const head = await app.request("/v1/notes", { method: "HEAD", headers: auth });
  assert.equal(head.status, 200);
  assert.equal(await head.text(), "");
  const before = opened;
  const stream = await app.request("/v1/export?count=5", { method: "HEAD" });
  assert.equal(stream.headers.get("content-type"), "application/x-ndjson");
  assert.equal(opened, before);
});

test("a sane request id is kept, another one is replaced", async () => {
  const { app } = bench();
  const idOf = async (sent: string) =>
    (await app.request("/v1/export?count=0", { headers: { "x-request-id": sent } })).headers.get(
      "x-request-id",
    );
  assert.equal(await idOf("abc-123"), "abc-123");
  assert.equal(await idOf("a b"), "fresh-id");
  assert.equal(await idOf("x".repeat(129)), "fresh-id");
});

test("a stream sends every item", async () => {
  const response = await bench().app.request("/v1/export?count=3000");
  const lines = (await response.text()).trimEnd().split("\n");
  assert.equal(lines.length, 3000);
  assert.deepEqual(JSON.parse(lines[2999] ?? ""), { id: "2999", text: "" });
});

test("a surface whose rows clash or lie outside its door does not mount", () => {
  const { app } = bench();
  const [row] = rows;
  assert.ok(row !== undefined);
  const door = { prefixes: ["/v2"], name: "other" } as unknown as Door<string, Context>;
  assert.throws(() => mount(app, { door, rows: [row] }), /lies outside/);
  const same = { ...door, prefixes: ["/v1"] };
  assert.throws(() => mount(new Hono(), { door: same, rows: [row, { ...row, id: "again" }] }), /is taken/);
});
