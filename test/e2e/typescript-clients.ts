// The official TypeScript clients behind one face: the first generation, and the second in both protocol eras.
import {
  Client as NewClient,
  StreamableHTTPClientTransport as NewTransport,
  type RequestMethod,
} from "@modelcontextprotocol/client";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { defer, type TestScope } from "@postern/testkit";
import { REFUSED_TOOLS, type Refusal, SENSELESS_PROMPT, type Story } from "./clients-story.ts";

type Args = Record<string, unknown>;

/** As much of either generation as the story needs. */
interface RealClient {
  listTools(): Promise<{ tools: { name: string }[] }>;
  listResources(): Promise<{ resources: { uri: string }[] }>;
  listResourceTemplates(): Promise<{ resourceTemplates: { uriTemplate: string }[] }>;
  listPrompts(): Promise<{ prompts: { name: string }[] }>;
  call(name: string, args?: Args, onprogress?: (step: { progress: number }) => void): Promise<CallResult>;
  readResource(params: { uri: string }): Promise<{ contents: object[] }>;
  getPrompt(params: {
    name: string;
    arguments?: Record<string, string>;
  }): Promise<{ messages: { content: object }[] }>;
  complete(params: {
    ref: { type: "ref/prompt"; name: string };
    argument: { name: string; value: string };
  }): Promise<{ completion: { values: string[] } }>;
}

/** Either generation has answers of several shapes; the story looks at `content` and `isError`. */
type CallResult = Readonly<Record<string, unknown>>;

export interface Door {
  readonly url: string;
  readonly token: string;
}

/** What a client is given to connect with, and what its owner answers. */
interface Outfit extends Door {
  /** Adds the headers of the moment. */
  readonly fetch: typeof fetch;
  readonly answer: (method: string, params: object) => Args;
}

const CAPABILITIES = { sampling: {}, elicitation: {}, roots: {} };
const INFO = { name: "e2e", version: "1" };

/** By name: how each of them connects. */
export const TYPESCRIPT_CLIENTS: Readonly<
  Record<string, (scope: TestScope, outfit: Outfit) => Promise<RealClient>>
> = {
  "@modelcontextprotocol/sdk": connectFirst,
  "@modelcontextprotocol/client in the legacy era": (scope, outfit) => connectSecond(scope, outfit, "legacy"),
  "@modelcontextprotocol/client pinned to 2026-07-28": (scope, outfit) =>
    connectSecond(scope, outfit, { pin: "2026-07-28" }),
};

async function connectFirst(scope: TestScope, { url, fetch, answer }: Outfit): Promise<RealClient> {
  const client = new Client(INFO, { capabilities: CAPABILITIES });
  client.setRequestHandler(CreateMessageRequestSchema, ({ method, params }) => answer(method, params));
  client.setRequestHandler(ElicitRequestSchema, ({ method, params }) => answer(method, params));
  client.setRequestHandler(ListRootsRequestSchema, ({ method }) => answer(method, {}));
  const transport = new StreamableHTTPClientTransport(new URL(url), { fetch });
  await client.connect(transport as Parameters<Client["connect"]>[0]);
  defer(scope, () => client.close());
  return Object.assign(client, {
    call: (name: string, args: Args = {}, onprogress?: (step: { progress: number }) => void) =>
      client.callTool({ name, arguments: args }, undefined, onprogress && { onprogress }),
  });
}

type Negotiation = "legacy" | { pin: string };

async function connectSecond(
  scope: TestScope,
  { url, fetch, answer }: Outfit,
  mode: Negotiation,
): Promise<RealClient> {
  const client = new NewClient(INFO, { capabilities: CAPABILITIES, versionNegotiation: { mode } });
  for (const method of [
    "sampling/createMessage",
    "elicitation/create",
    "roots/list",
  ] satisfies RequestMethod[])
    client.setRequestHandler(method, ({ params }) => answer(method, params ?? {}) as never);
  await client.connect(new NewTransport(new URL(url), { fetch }));
  defer(scope, () => client.close());
  return Object.assign(client, {
    call: (name: string, args: Args = {}, onprogress?: (step: { progress: number }) => void) =>
      client.callTool({ name, arguments: args }, onprogress && { onprogress }),
  });
}

/** Has a client live through everything that the story asks for. */
export async function tellStory(scope: TestScope, name: string, { url, token }: Door): Promise<Story> {
  const connect = TYPESCRIPT_CLIENTS[name];
  if (connect === undefined) throw new Error(`There is no client ${name}.`);
  const asked: string[] = [];
  const headers = new Headers({ authorization: `Bearer ${token}` });
  const client = await connect(scope, {
    url,
    token,
    fetch: (input, init) => {
      const all = new Headers(init?.headers);
      for (const [key, value] of headers) all.set(key, value);
      return fetch(input, { ...init, headers: all });
    },
    answer(method, params) {
      asked.push(method);
      return answerTo(method, params);
    },
  });
  const offered = await offers(client);
  const used = await use(client);
  const round = await askBack(client);
  const failed = (await client.call("test_error_handling")).isError === true;
  const refused = await meetRefusals(client, headers);
  return { ...offered, ...used, ...round, asked, failed, refused };
}

async function offers(client: RealClient) {
  return {
    tools: (await client.listTools()).tools.map((tool) => tool.name),
    resources: (await client.listResources()).resources.map(({ uri }) => uri),
    templates: (await client.listResourceTemplates()).resourceTemplates.map(({ uriTemplate }) => uriTemplate),
    prompts: (await client.listPrompts()).prompts.map((prompt) => prompt.name),
  };
}

async function use(client: RealClient) {
  const progress: number[] = [];
  await client.call("test_tool_with_progress", {}, (step) => progress.push(step.progress));
  const completion = await client.complete({
    ref: { type: "ref/prompt", name: "test_prompt_with_arguments" },
    argument: { name: "arg1", value: "par" },
  });
  const args = { arg1: "one", arg2: "two" };
  return {
    said: await textOfTool(client, "test_simple_text"),
    read: textIn((await client.readResource({ uri: "test://static-text" })).contents[0]),
    filled: textIn((await client.readResource({ uri: "test://template/7/data" })).contents[0]),
    prompted: textIn(
      (await client.getPrompt({ name: "test_prompt_with_arguments", arguments: args })).messages[0]?.content,
    ),
    completed: completion.completion.values,
    progress,
  };
}

async function askBack(client: RealClient) {
  return {
    sampled: await textOfTool(client, "test_sampling", { prompt: "What is the capital of France?" }),
    elicited: await textOfTool(client, "test_input_required_result_elicitation"),
    rooted: await textOfTool(client, "test_input_required_result_list_roots"),
    twice: await textOfTool(client, "test_input_required_result_multi_round"),
    askedPrompt: textIn(
      (await client.getPrompt({ name: "test_input_required_result_prompt" })).messages[0]?.content,
    ),
  };
}

async function meetRefusals(client: RealClient, headers: Headers): Promise<Story["refused"]> {
  const met: [Refusal, Story["refused"][Refusal]][] = [];
  for (const check of Object.keys(REFUSED_TOOLS) as Refusal[]) {
    if (check === "intent") headers.set("x-intent-prompt", SENSELESS_PROMPT);
    const error = await client.call(REFUSED_TOOLS[check]).then(
      () => ({ code: "not refused" }),
      (caught: { code?: unknown; data?: { reason?: unknown } }) => caught,
    );
    headers.delete("x-intent-prompt");
    const reason = "data" in error ? error.data?.reason : undefined;
    met.push([check, { code: error.code, reason, afterwards: await textOfTool(client, "test_simple_text") }]);
  }
  return Object.fromEntries(met) as Story["refused"];
}

async function textOfTool(client: RealClient, name: string, args: Args = {}): Promise<string> {
  const { content } = await client.call(name, args);
  return Array.isArray(content) ? textIn(content[0]) : "";
}

const textIn = (content: unknown): string =>
  typeof content === "object" && content !== null && "text" in content ? String(content.text) : "";

/** What a person, a model and a file system would say. */
function answerTo(method: string, params: object): Args {
  if (method === "sampling/createMessage")
    return { role: "assistant", content: { type: "text", text: "Paris" }, model: "none" };
  if (method === "roots/list") return { roots: [{ uri: "file:///a-root", name: "a root" }] };
  const { requestedSchema } = params as { requestedSchema?: { properties?: object } };
  const wanted = Object.keys(requestedSchema?.properties ?? {});
  const known: Args = { name: "Alice", color: "blue", context: "a test" };
  return { action: "accept", content: Object.fromEntries(wanted.map((key) => [key, known[key]])) };
}
