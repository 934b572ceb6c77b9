// The client that the client scenarios judge: the SDK's own, doing whatever the scenario's server offers. Run by the suite with the address
// of its server, `node scenario-client.ts <address>`; POSTERN_CONFORMANCE_WAY names a way to it, as JSON of `Way`.
import { Client, StreamableHTTPClientTransport, type Tool } from "@modelcontextprotocol/client";

/** `retarget` is told where the suite's server is; the client itself then goes to `url`. */
export interface Way {
  readonly url: string;
  readonly retarget: string;
}

const MODERN = "2026-07-28";

await main(process.argv[2] ?? "");

async function main(serverUrl: string): Promise<void> {
  const url = await wayTo(serverUrl);
  const version = process.env.MCP_CONFORMANCE_PROTOCOL_VERSION;
  const client = new Client(
    { name: "conformance", version: "1.0.0" },
    {
      capabilities: { elicitation: { form: { applyDefaults: true } }, sampling: {}, roots: {} },
      versionNegotiation: { mode: version === MODERN ? { pin: MODERN } : "legacy" },
    },
  );
  client.setRequestHandler("elicitation/create", ({ params }) => ({
    action: "accept",
    content:
      "requestedSchema" in params && "confirmed" in params.requestedSchema.properties
        ? { confirmed: true }
        : {},
  }));
  await client.connect(new StreamableHTTPClientTransport(new URL(url)));
  await useEverything(client);
  await client.close();
}

async function wayTo(serverUrl: string): Promise<string> {
  const setting = process.env.POSTERN_CONFORMANCE_WAY;
  if (setting === undefined) return serverUrl;
  const way = JSON.parse(setting) as Way;
  const answer = await fetch(way.retarget, { method: "POST", body: serverUrl });
  if (!answer.ok) throw new Error(`The way to ${serverUrl} could not be laid.`);
  return way.url;
}

async function useEverything(client: Client): Promise<void> {
  const offered = client.getServerCapabilities() ?? {};
  const { tools } = await client.listTools();
  const chosen = chosenCalls();
  const calls =
    chosen.length > 0
      ? chosen
      : tools.map((tool) => ({ name: tool.name, arguments: argumentsFor(tool, tools) }));
  for (const call of calls) await client.callTool(call).catch(() => {});
  if (offered.resources !== undefined) {
    for (const { uri } of (await client.listResources()).resources) await client.readResource({ uri });
  }
  if (offered.prompts !== undefined) {
    for (const { name } of (await client.listPrompts()).prompts) await client.getPrompt({ name });
  }
}

interface ChosenCall {
  readonly name: string;
  readonly arguments: Record<string, unknown>;
}

/** Calls that the scenario asks for by name. */
function chosenCalls(): readonly ChosenCall[] {
  const context = JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT ?? "{}") as { toolCalls?: ChosenCall[] };
  return context.toolCalls ?? [];
}

/** Something of the right type for each property; to a tool that echoes a schema, the schema of the tool beside it. */
function argumentsFor({ inputSchema }: Tool, all: readonly Tool[]): Record<string, unknown> {
  const other = all.find((tool) => tool.inputSchema !== inputSchema);
  const properties = Object.entries(inputSchema.properties ?? {});
  return Object.fromEntries(
    properties.map(([name, schema]) => [name, name === "schema" ? other?.inputSchema : valueFor(schema)]),
  );
}

function valueFor(schema: unknown): unknown {
  const type = typeof schema === "object" && schema !== null && "type" in schema ? schema.type : "string";
  if (type === "number" || type === "integer") return 1;
  if (type === "boolean") return true;
  return "text";
}
