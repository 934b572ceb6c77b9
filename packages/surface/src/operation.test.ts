import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { answer, csv, ndjson, operationsFor, sse } from "./index.ts";

interface Context {
  readonly tenant: string;
}
const operation = operationsFor<Context>();
const info = { id: "thing_view", summary: "View a thing", permission: "things.read", audit: "none" } as const;
const Thing = z.strictObject({ id: z.string() });
const Params = z.strictObject({ id: z.string() });

test("a row's types hold from its schemas to its handler", () => {
  operation({
    ...info,
    method: "PUT",
    path: "/things/{id}",
    status: 200,
    params: Params,
    body: z.strictObject({ size: z.number() }),
    reply: Thing,
    run: ({ params, query, body }, { tenant }) => {
      const size: number = body.size;
      const none: undefined = query;
      // @ts-expect-error an undeclared parameter
      params.name;
      // @ts-expect-error a parameter is text here
      const wrong: number = params.id;
      return { id: params.id + tenant + size + none + wrong };
    },
  });
  operation({
    ...info,
    method: "GET",
    path: "/things",
    status: 200,
    reply: Thing,
    // @ts-expect-error a reply without its field
    run: () => ({}),
  });
  operation({
    ...info,
    method: "GET",
    path: "/things",
    status: 200,
    reply: Thing,
    // @ts-expect-error a reply of another type, answered with headers
    run: async () => answer({ id: 7 }),
  });
  operation({
    ...info,
    method: "POST",
    path: "/things",
    status: 204,
    // @ts-expect-error a body where none is declared
    run: () => ({ id: "a" }),
  });
  operation({
    ...info,
    method: "GET",
    path: "/things",
    status: 200,
    reply: [csv(["id"]), ndjson(Thing)],
    // @ts-expect-error a way of streaming that is not declared
    run: () => sse().of([]),
  });
  operation({
    ...info,
    method: "GET",
    path: "/things",
    status: 200,
    reply: [csv(["id"]), ndjson(Thing)],
    run: async () => (info.audit === "none" ? csv(["id"]).of([["a"]]) : ndjson(Thing).of([{ id: "a" }])),
  });
  // @ts-expect-error a stream's item of another type
  ndjson(Thing).of([{ id: 1 }]);
  operation({
    ...info,
    // @ts-expect-error an unknown method
    method: "FETCH",
    path: "/things",
    status: 204,
    run: async () => {},
  });
});

const row = { ...info, method: "POST", status: 204, run: () => undefined } as const;

test("a path and its declared parameters must agree", () => {
  assert.throws(
    () => operation({ ...row, path: "/things/{id}" }),
    /path names \{id\} but params declare \{\}/,
  );
  assert.throws(() => operation({ ...row, path: "/things", params: Params }), /path names \{\}/);
  assert.throws(() => operation({ ...row, path: "/things/{name}", params: Params }), /names \{name\}/);
});

test("a query or body that lets unknown fields pass is refused where it is written", () => {
  const loose = z.object({ id: z.string() });
  const cases = [
    loose,
    z.strictObject({ inner: loose }),
    z.array(loose),
    z.preprocess((value) => value, loose),
  ];
  for (const body of cases)
    assert.throws(() => operation({ ...row, path: "/things", body }), /lets unknown fields pass/);
  assert.throws(() => operation({ ...row, path: "/things", query: loose }), /lets unknown fields pass/);
});

test("a free-form record and a preprocessed strict object are accepted", () => {
  const aliased = z.preprocess((value) => value, z.strictObject({ data: z.record(z.string(), z.json()) }));
  assert.equal(operation({ ...row, path: "/things", body: aliased }).id, "thing_view");
});
