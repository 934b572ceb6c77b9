import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { bytes, csv, ndjson, openapi, operationsFor, pageOf, pageQuery } from "./index.ts";

const operation = operationsFor<null>();
const Draft = z.strictObject({ id: z.string(), data: z.json() }).describe("A draft policy.");
const door = {
  name: "admin",
  security: { type: "http", scheme: "bearer" },
  failureBody: z.strictObject({ error: z.string() }),
};
const shared = { summary: "Something", permission: "drafts.read", audit: "none", status: 200 } as const;
const rows = [
  operation({
    ...shared,
    id: "draft_list",
    method: "GET",
    path: "/v1/drafts",
    query: z.strictObject({ ...pageQuery(), tool: z.string() }),
    reply: pageOf(Draft),
    run: () => ({ items: [] }),
  }),
  operation({
    ...shared,
    id: "draft_update",
    method: "PUT",
    path: "/v1/drafts/{id}",
    params: z.strictObject({ id: z.string().describe("Which draft.") }),
    body: z.strictObject({ draft: Draft, name: z.string().default("x") }),
    example: { params: { id: "d-1" }, body: { draft: { id: "d-1", data: {} } } },
    links: [
      { to: "draft_list", query: { tool: "id" } },
      { to: "draft_update", params: { id: "$request.path.id" }, body: { name: "data/name" } },
    ],
    reply: Draft,
    replies: { 409: "The draft was promoted.", 202: "Queued." },
    run: ({ body }) => body.draft,
  }),
  operation({
    ...shared,
    id: "draft_export",
    method: "GET",
    path: "/v1/export",
    permission: "public",
    reply: [
      csv(["id"]),
      ndjson(Draft),
      bytes("application/json", { is: "json", schema: z.array(Draft) }),
      bytes("application/octet-stream"),
    ],
    run: () => csv(["id"]).of([]),
  }),
];
const info = { title: "Postern", version: "1" };
const document = JSON.parse(
  JSON.stringify(openapi({ info, surfaces: [{ door, rows }], schemas: { Draft } })),
);

/** Every `$ref` of the document, wherever it stands. */
function refsOf(node: unknown): string[] {
  if (typeof node !== "object" || node === null) return [];
  return Object.entries(node).flatMap(([key, value]) =>
    key === "$ref" && typeof value === "string" ? [value] : refsOf(value),
  );
}

test("every reference of the document leads to something", () => {
  const refs = refsOf(document);
  assert.ok(refs.length >= 4);
  for (const ref of refs) {
    const target = ref
      .slice(2)
      .split("/")
      .reduce((node, key) => node?.[key], document);
    assert.ok(ref.startsWith("#/") && target !== undefined, ref);
  }
});

test("named schemas become components, with any JSON left open", () => {
  assert.deepEqual(document.components.schemas, {
    Draft: {
      type: "object",
      description: "A draft policy.",
      properties: { id: { type: "string" }, data: {} },
      required: ["id", "data"],
      additionalProperties: false,
    },
  });
});

test("parameters come from the schemas, with their place, need and limits", () => {
  const { parameters } = document.paths["/v1/drafts"].get;
  assert.deepEqual(
    parameters.map((one: { name: string; in: string; required: boolean }) => [
      one.name,
      one.in,
      one.required,
    ]),
    [
      ["limit", "query", false],
      ["cursor", "query", false],
      ["tool", "query", true],
    ],
  );
  assert.deepEqual(parameters[0].schema, { type: "integer", minimum: 1, maximum: 1000 });
  assert.deepEqual(document.paths["/v1/drafts/{id}"].put.parameters, [
    {
      name: "id",
      in: "path",
      required: true,
      description: "Which draft.",
      schema: { type: "string" },
      example: "d-1",
    },
  ]);
});

test("an operation names its id, its credential, its body and every way it can end", () => {
  const { put } = document.paths["/v1/drafts/{id}"];
  assert.equal(put.operationId, "draft_update");
  assert.deepEqual(put.security, [{ admin: [] }]);
  assert.equal(put.requestBody.required, true);
  const { schema } = put.requestBody.content["application/json"];
  assert.deepEqual(schema.required, ["draft"]);
  assert.deepEqual(schema.properties.draft, { $ref: "#/components/schemas/Draft" });
  assert.deepEqual(Object.keys(put.responses), [
    "200",
    "202",
    "400",
    "401",
    "403",
    "404",
    "409",
    "413",
    "415",
    "429",
    "431",
    "500",
    "503",
  ]);
  assert.equal(put.responses[409].description, "The draft was promoted.");
  assert.ok(put.responses[409].content["application/json"].schema.properties.error);
  assert.deepEqual(document.components.securitySchemes, { admin: { type: "http", scheme: "bearer" } });
});

test("a public operation needs no credential, and a stream tells its media types and what they hold", () => {
  const { get } = document.paths["/v1/export"];
  assert.deepEqual(get.security, []);
  const { content } = get.responses[200];
  assert.deepEqual(Object.keys(content), [
    "text/csv; charset=utf-8",
    "application/x-ndjson",
    "application/json",
    "application/octet-stream",
  ]);
  assert.match(content["text/csv; charset=utf-8"].schema.description, /under the header id\./);
  assert.deepEqual(content["application/x-ndjson"].schema["x-line-schema"], {
    $ref: "#/components/schemas/Draft",
  });
  assert.deepEqual(content["application/json"].schema, {
    type: "array",
    items: { $ref: "#/components/schemas/Draft" },
  });
  assert.deepEqual(content["application/octet-stream"], {});
  assert.equal(get.responses[401], undefined);
});

test("a door without a guarded operation has no security scheme", () => {
  const open = { ...door, name: "open", security: {} };
  const surfaces = [{ door: open, rows: rows.filter((row) => row.permission === "public") }];
  assert.deepEqual(
    (openapi({ info, surfaces }).components as { securitySchemes: object }).securitySchemes,
    {},
  );
});

test("a document whose operations clash is not made", () => {
  const twice = { info, surfaces: [{ door, rows: [...rows, ...rows] }] };
  assert.throws(() => openapi(twice), /is taken/);
});

test("a row's example stands where the input is described, and its links lead on from a success", () => {
  const { parameters, requestBody, responses } = document.paths["/v1/drafts/{id}"].put;
  assert.equal(parameters[0].example, "d-1");
  assert.deepEqual(requestBody.content["application/json"].example, { draft: { id: "d-1", data: {} } });
  assert.deepEqual(responses[200].links, {
    draft_list: { operationId: "draft_list", parameters: { "query.tool": "$response.body#/id" } },
    draft_update: {
      operationId: "draft_update",
      parameters: { "path.id": "$request.path.id" },
      requestBody: { draft: { id: "d-1", data: {} }, name: "$response.body#/data/name" },
    },
  });
  assert.equal(responses[409].links, undefined);
});

test("a link to nowhere and an example that the row would refuse are mistakes of the row", () => {
  const base = { ...shared, method: "GET", run: () => undefined } as const;
  const lost = operation({ ...base, id: "lost", path: "/v1/lost", links: [{ to: "nowhere" }] });
  assert.throws(() => openapi({ info, surfaces: [{ door, rows: [lost] }] }), /no operation nowhere/);
  const query = z.strictObject({ tool: z.string() });
  assert.throws(
    () => operation({ ...base, id: "wrong", path: "/v1/wrong", query, example: { query: { tool: 5 } } }),
    /wrong: the example's query is not what the row takes/,
  );
});

test("patterns are written as everybody reads them, and what only a schema knows of itself is told", () => {
  const name = z.string().regex(/^[^\p{Cc}\p{Cs}]*\d$/u);
  const address = z
    .string()
    .refine(URL.canParse)
    .meta({ pattern: "^https://[\\w-]+$", not: { const: "https://x" } });
  const body = z.strictObject({ name, address });
  const shaped = (taken: z.ZodType) => {
    const row = operation({
      ...shared,
      id: "a",
      method: "POST",
      path: "/v1/a",
      body: taken,
      run: () => undefined,
    });
    // biome-ignore lint/suspicious/noExplicitAny: the document is read as freely as any JSON.
    const { paths } = openapi({ info, surfaces: [{ door, rows: [row] }] }) as any;
    return paths["/v1/a"].post.requestBody.content["application/json"].schema.properties;
  };
  assert.deepEqual(shaped(body), {
    name: { type: "string", pattern: "^[^\\u0000-\\u001f\\u007f-\\u009f]*[0-9]$" },
    address: { type: "string", pattern: "^https://[A-Za-z0-9_-]+$", not: { const: "https://x" } },
  });
  assert.throws(() => shaped(z.strictObject({ name: z.string().regex(/\p{L}/u) })), /not every reader/);
});
