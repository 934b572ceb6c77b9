// A tool that a capability does not cover is on no list, on whatever channel the list arrives and in however many pieces: the official
// suites never look for a tool that should not be there.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { startStack } from "../e2e/stack.ts";
import { type Asking, call, createRawClient, modern } from "./raw-client.ts";
import { type Asked, answerJson, beginStream, eventOf, startScriptedServer } from "./scripted-server.ts";

const REGO = `package intentgate.policy

default decision := {"allow": true}

decision := {"allow": false, "reason": "not today"} if input.tool == "barred"

decision := {"allow": false, "reason": "not today"} if {
	input.tool == "resources/read"
	endswith(input.args.uri, "barred")
}

decision := {"allow": false, "reason": "not today"} if {
	input.tool == "prompts/get"
	input.args.name == "barred"
}
`;
const DEADLINE = { timeout: 30_000 };
/** "hidden" the capability does not cover, "barred" the policy denies. */
const NAMES = ["first", "hidden", "second", "barred", "third"];
const SHOWN = ["first", "second", "third"];

const file = { after };
const server = await startScriptedServer(file);
const stack = await startStack(file, REGO, { POSTERN_UPSTREAM_URL: server.url });
const { token } = await stack.mint({
  caveats: [
    { type: "tool_deny", tools: ["hidden"] },
    {
      type: "arguments",
      tool: "resources/read",
      predicates: [{ op: "ne", path: "/uri", value: "test://hidden" }],
    },
    { type: "arguments", tool: "prompts/get", predicates: [{ op: "ne", path: "/name", value: "hidden" }] },
  ],
});
const client = createRawClient(stack.sidecar.mcpUrl, token);
const session = await client.session();

interface Listed {
  readonly tools: readonly { readonly name: string; readonly extra: unknown }[];
  readonly nextCursor?: string;
  readonly cacheScope?: string;
  readonly ttlMs?: number;
}

const listOf = (names: readonly string[], rest: object = {}) => ({
  tools: names.map((name) => ({ name, inputSchema: { type: "object" }, extra: { of: name } })),
  ...rest,
});
const namesIn = ({ tools }: Listed) => tools.map(({ name }) => name);
const legacyList = (params: object = {}): Asking => ({
  body: { jsonrpc: "2.0", id: 1, method: "tools/list", params },
  headers: session,
});

/** The one message of an answer, whether it is a document or the last event of a stream. */
async function resultOf(asking: Asking): Promise<Listed> {
  const { status, headers, body } = await client.ask(asking);
  assert.equal(status, 200, body);
  const isStream = String(headers["content-type"]).startsWith("text/event-stream");
  const text = isStream
    ? body
        .split("\n")
        .findLast((line) => line.startsWith("data: {"))
        ?.slice(6)
    : body;
  return (JSON.parse(text ?? "{}") as { result: Listed }).result;
}

const asStream = (each: Asked, result: object) => {
  beginStream(each);
  each.response.write("id: 1\ndata: \n\n");
  each.response.end(eventOf({ id: each.id, result }, "2"));
};

for (const [era, list] of [
  ["legacy", () => legacyList()],
  ["modern", () => modern(1, "tools/list")],
] as const) {
  for (const [form, answer] of [
    ["one document", answerJson],
    ["a stream", asStream],
  ] as const) {
    test(
      `a list of the ${era} era that comes as ${form} loses what may not be called, and nothing else`,
      DEADLINE,
      async () => {
        server.play((each) => answer(each, listOf(NAMES, { _meta: { kept: [1] }, other: "kept" })));
        const result = await resultOf(list());
        assert.deepEqual(result, listOf(SHOWN, { _meta: { kept: [1] }, other: "kept" }));
      },
    );
  }
}

test(
  "lists of resources and prompts lose what may not be read or got, judged by what it is asked for with",
  DEADLINE,
  async () => {
    const resources = (names: readonly string[]) =>
      names.map((name) => ({ uri: `test://${name}`, name: "any" }));
    const prompts = (names: readonly string[]) => names.map((name) => ({ name }));
    for (const [method, all, shown] of [
      ["resources/list", { resources: resources(NAMES) }, { resources: resources(SHOWN) }],
      ["prompts/list", { prompts: prompts(NAMES) }, { prompts: prompts(SHOWN) }],
    ] as const) {
      for (const answer of [answerJson, asStream]) {
        server.play((each) => answer(each, { ...all, nextCursor: "more" }));
        const { body } = await client.ask({ body: { jsonrpc: "2.0", id: 1, method }, headers: session });
        const text = body.split("\n").findLast((line) => line.includes("{")) ?? "";
        const { result } = JSON.parse(text.replace(/^data: /, "")) as { result: object };
        assert.deepEqual(result, { ...shown, nextCursor: "more" }, method);
      }
    }
  },
);

test(
  "a list that comes on a stream taken up again is filtered like the one that was missed",
  DEADLINE,
  async () => {
    server.play((each) => {
      if (each.verb === "POST") return asStream(each, listOf(NAMES));
      assert.equal(each.headers["last-event-id"], "1");
      beginStream(each);
      each.response.end(eventOf({ id: 1, result: listOf(NAMES) }, "2"));
    });
    await resultOf(legacyList());
    const { status, body } = await client.ask({ verb: "GET", headers: { ...session, "last-event-id": "1" } });
    assert.equal(status, 200);
    assert.match(body, /^id: 2$/m);
    for (const name of SHOWN) assert.match(body, new RegExp(`"name":"${name}"`));
    for (const name of ["hidden", "barred"]) assert.doesNotMatch(body, new RegExp(name));
  },
);

test("pages keep their cursors, also the page of which nothing is left", DEADLINE, async () => {
  const pages: Readonly<Record<string, object>> = {
    "": listOf(["first", "hidden"], { nextCursor: "b" }),
    b: listOf(["barred", "hidden"], { nextCursor: "c" }),
    c: listOf(["third"]),
  };
  server.play((each) => {
    const { params } = JSON.parse(each.body) as { params: { cursor?: string } };
    answerJson(each, pages[params.cursor ?? ""] ?? {});
  });
  const seen: string[] = [];
  const cursors: string[] = [];
  for (let cursor: string | undefined = ""; cursor !== undefined; ) {
    const page: Listed = await resultOf(legacyList(cursor === "" ? {} : { cursor }));
    seen.push(...namesIn(page));
    cursors.push(page.nextCursor ?? "end");
    cursor = page.nextCursor;
  }
  assert.deepEqual(seen, ["first", "third"]);
  assert.deepEqual(cursors, ["b", "c", "end"]);
});

test(
  "a list that a cache may keep is this caller's alone, and kept no longer than its token lives",
  DEADLINE,
  async () => {
    const { token: short } = await stack.mint({ ttl_seconds: 60 });
    server.play((each) => answerJson(each, listOf(SHOWN, { ttlMs: 86_400_000, cacheScope: "public" })));
    const asking = modern(1, "tools/list");
    const { cacheScope, ttlMs = 0 } = await resultOf({
      ...asking,
      headers: { ...asking.headers, authorization: `Bearer ${short}` },
    });
    assert.equal(cacheScope, "private");
    assert.ok(ttlMs > 0 && ttlMs <= 60_000, `${ttlMs} ms`);
  },
);

test("a list that cannot be read is not handed on", DEADLINE, async () => {
  server.play(({ response }) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.end('{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"hidden"},}');
  });
  const { body } = await client.ask(legacyList());
  assert.doesNotMatch(body, /hidden/);
  assert.equal((JSON.parse(body) as { error: { code: number } }).error.code, -32018);
});

test("a hidden tool is refused when it is called all the same", DEADLINE, async () => {
  server.play((each) => answerJson(each, { content: [] }));
  for (const [name, code] of [
    ["hidden", -32010],
    ["barred", -32012],
  ] as const) {
    const { body } = await client.ask({ body: call(1, name), headers: session });
    assert.equal((JSON.parse(body) as { error: { code: number } }).error.code, code, name);
  }
  assert.deepEqual(server.asked, []);
});
