// The sidecar with its checks off: its own listener and its own way to the tool server, with nothing between them that reads, judges or
// records. What this costs over bare passthrough is the price of its HTTP edge. No product can be started like this.
import { randomId, systemClock } from "@postern/fault";
import { createHttpUpstream, type ListenerPorts, type Pipeline, startListener } from "./sidecar-parts.ts";

const MIB = 1_048_576;
const NAME = "default";
const upstream = createHttpUpstream({ name: NAME, url: process.argv[2] ?? "" });

const passOn: Pipeline = async ({ body, gone, headers, verb }, exchange) => {
  const request = { method: verb, headers, ...(verb === "POST" && { body }) };
  const answer = await upstream.forward(request, gone);
  if (answer.body.whole !== undefined) {
    exchange.whole(answer.status, answer.headers, answer.body.whole);
    return;
  }
  exchange.begin(answer.status, answer.headers);
  for await (const bytes of answer.body) if (!(await exchange.write(bytes))) break;
  exchange.end();
};

const silent = () => {};
const log: ListenerPorts["log"] = {
  debug: silent,
  info: silent,
  warn: silent,
  error: silent,
  with: () => log,
};
const { port } = await startListener(
  {
    host: "127.0.0.1",
    port: 0,
    bodyTimeoutMs: 15_000,
    bodyBytesMax: 4 * MIB,
    receivedBytesMax: 128 * MIB,
    connectionsMax: 4_096,
    headerRules: { hosts: [], origins: [] },
    first: NAME,
  },
  {
    upstreams: new Set([NAME]),
    pipeline: passOn,
    refusalOf: async () => undefined,
    loginMetadata: () => undefined,
    readiness: () => ({ ready: true, reasons: [] }),
    metrics: { expose: async () => ({ contentType: "", body: "" }) },
    observer: { ended: silent },
    version: "",
    clock: systemClock,
    newId: randomId,
    log,
  },
);
console.log(JSON.stringify({ msg: "listening", url: `http://127.0.0.1:${port}/v1/mcp` }));
process.once("SIGTERM", () => process.exit(0));
