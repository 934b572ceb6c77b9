// The description of the interface is true: every example in it is sent as it stands, links are followed to what an operation needs, and each answer
// is one that the description tells of, body included.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import { SUPERADMIN, type TestAnswer, testPlane } from "../control-plane.fixture.ts";

interface Link {
  readonly operationId: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly requestBody?: Readonly<Record<string, unknown>>;
}
interface Parameter {
  readonly name: string;
  readonly in: "path" | "query";
  readonly required: boolean;
  readonly example?: unknown;
}
interface Described {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly Parameter[];
  readonly body: { required: boolean; example: Readonly<Record<string, unknown>> | undefined } | undefined;
  readonly responses: Readonly<Record<string, DescribedAnswer>>;
}
interface DescribedAnswer {
  readonly content?: Readonly<Record<string, { schema?: object }>>;
  readonly links?: Readonly<Record<string, Link>>;
}
interface Exchange {
  readonly sent: Sent;
  readonly answer: TestAnswer;
}
interface Sent {
  readonly path: Record<string, string>;
  readonly query: Record<string, string>;
  readonly body: Record<string, unknown> | undefined;
}

// biome-ignore lint/suspicious/noExplicitAny: the document is read as freely as any JSON.
function operationsOf(document: any): Described[] {
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  return Object.entries<any>(document.paths).flatMap(([path, item]) =>
    // biome-ignore lint/suspicious/noExplicitAny: as above.
    Object.entries<any>(item).map(
      ([method, { operationId: id, parameters = [], requestBody, responses }]) => ({
        ...{ id, method: method.toUpperCase(), path, parameters, responses },
        body: requestBody && {
          required: requestBody.required,
          example: requestBody.content["application/json"].example,
        },
      }),
    ),
  );
}

/** Who leads to an operation; what makes things goes before what lists them. */
function sourcesOf(operations: readonly Described[], id: string): { from: Described; link: Link }[] {
  const makes = ({ method }: Described) => (method === "POST" ? 0 : 1);
  return operations
    .flatMap((from) =>
      Object.values(from.responses).flatMap(({ links = {} }) =>
        Object.values(links).flatMap((link) => (link.operationId === id ? [{ from, link }] : [])),
      ),
    )
    .sort((a, b) => makes(a.from) - makes(b.from));
}

const isExpression = (value: unknown): value is string =>
  typeof value === "string" && value.startsWith("$re");

/** A runtime expression's value; undefined when the exchange does not hold it. */
function evaluated(expression: string, sent: Sent, answer: TestAnswer): unknown {
  const [, place = "path", name = ""] = /^\$request\.(path|query)\.(\w+)$/.exec(expression) ?? [];
  if (expression.startsWith("$request.")) return sent[place as "path" | "query"][name];
  const steps = expression.slice("$response.body#/".length).split("/");
  return steps.reduce((node: unknown, step) => Object(node)[step], answer.json);
}

/** What is sent, with what an exchange before it gives. */
function followed(sent: Sent, { parameters, requestBody }: Link, { sent: asked, answer }: Exchange): Sent {
  const path = { ...sent.path };
  const query = { ...sent.query };
  for (const [key, expression] of Object.entries(parameters)) {
    const [place, name = ""] = key.split(".");
    const value = evaluated(expression, asked, answer);
    if (value !== undefined) (place === "path" ? path : query)[name] = String(value);
  }
  const fields = Object.entries(requestBody ?? {}).flatMap(([name, value]) => {
    const given = isExpression(value) ? evaluated(value, asked, answer) : value;
    return given === undefined ? [] : [[name, given]];
  });
  const body = requestBody === undefined ? sent.body : { ...sent.body, ...Object.fromEntries(fields) };
  return { path, query, body };
}

function examplesOf(parameters: readonly Parameter[], place: Parameter["in"]): Record<string, string> {
  const shown = parameters.filter((each) => each.in === place && each.example !== undefined);
  return Object.fromEntries(shown.map(({ name, example }) => [name, String(example)]));
}

/** Operations whose example is refused, with what all of them do to one tenant in the order of the description, and how. */
const REFUSED: Readonly<Record<string, number>> = {
  // What was to be ended has ended in another way, or what was to be changed was put in force.
  halt_release_target: 404,
  policy_rollout_stop: 409,
  policy_draft_delete: 409,
  // Only one policy was ever in force, and no change was proposed.
  policy_rollback: 404,
  policy_proposal_view: 404,
  policy_proposal_decide: 404,
  // The compiler of this test makes nothing that can be asked.
  policy_dry_run: 400,
  // Verifiers hear of a key some seconds before it signs.
  key_activate: 409,
  // Somebody else must decide.
  elevation_decide: 403,
  // No provider is configured here, and no browser has begun.
  ...{ login_begin: 503, login_callback: 503, login_session: 401, login_end: 401 },
  // What the example names nobody made.
  ...{ fleet_bundle: 404, fleet_lease: 404, fleet_exchange: 403 },
  // The operator was removed before.
  operator_token_revoke: 404,
};

test("every example of the description is answered as the description says", async (t) => {
  const plane = await testPlane(t, "embedded", {
    webhookSender: { refusalOf: () => undefined, send: async () => ({ status: 200 }) },
  });
  assert.ok(plane !== undefined);
  const { request } = plane;
  const { json: document } = await request("GET", "/openapi.json");
  const operations = operationsOf(document);
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  const done = new Map<string, Exchange>();

  async function perform({ id, method, path, parameters, body, responses }: Described) {
    const before = done.get(id);
    if (before !== undefined) return before;
    let sent: Sent = {
      ...{ path: examplesOf(parameters, "path"), query: examplesOf(parameters, "query") },
      body: body?.example,
    };
    const [source] = sourcesOf(operations, id);
    if (source !== undefined) sent = followed(sent, source.link, await perform(source.from));
    const address = path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(sent.path[name] ?? "none"));
    const token = path.startsWith("/v1/sidecar")
      ? (await perform(named("sidecar_create"))).answer.json.credential
      : SUPERADMIN;
    const options = { token, ...(sent.body === undefined ? {} : { body: sent.body }) };
    const answer = await request(method, `${address}?${new URLSearchParams(sent.query)}`, options);
    const exchange = { sent, answer };
    done.set(id, exchange);
    assertDescribed(`${id}: ${answer.status} ${answer.text.slice(0, 300)}`, responses[answer.status], answer);
    return exchange;
  }

  function assertDescribed(
    label: string,
    described: DescribedAnswer | undefined,
    { headers, text, json }: TestAnswer,
  ) {
    assert.ok(described !== undefined, label);
    const type = headers.get("content-type") ?? "";
    const content = described.content?.[type];
    assert.equal(content === undefined, text === "", label);
    if (type !== "application/json" || content?.schema === undefined) return;
    const isValid = ajv.compile({ ...content.schema, components: document.components });
    assert.ok(isValid(json), `${label} ${ajv.errorsText(isValid.errors)}`);
  }

  function named(id: string): Described {
    const found = operations.find((each) => each.id === id);
    assert.ok(found !== undefined, id);
    return found;
  }

  for (const id of ["tenant_create", "fleet_register", "fleet_tools"]) await perform(named(id));
  const lasting = ({ method }: Described) => (method === "DELETE" ? 1 : 0);
  // The stream of states has no end.
  const all = operations.filter(({ id }) => id !== "fleet_sync").sort((a, b) => lasting(a) - lasting(b));
  for (const operation of all) await perform(operation);
  const refused = all.filter(({ id }) => (done.get(id)?.answer.status ?? 0) >= 300);
  assert.deepEqual(Object.fromEntries(refused.map(({ id }) => [id, done.get(id)?.answer.status])), REFUSED);
});

test("whatever an operation needs has an example, or a link that leads to it", async (t) => {
  const plane = await testPlane(t, "embedded");
  if (plane === undefined) return;
  const operations = operationsOf((await plane.request("GET", "/openapi.json")).json);
  const missing = operations.flatMap(({ id, parameters, body }) => {
    const led = sourcesOf(operations, id).flatMap(({ link }) => Object.keys(link.parameters));
    const bare = parameters.filter(
      ({ name, in: place, required, example }) =>
        required && example === undefined && !led.includes(`${place}.${name}`),
    );
    const isBare = body?.required === true && body.example === undefined;
    return [...bare.map(({ name }) => `${id}: ${name}`), ...(isBare ? [`${id}: body`] : [])];
  });
  assert.deepEqual(missing, []);
});
