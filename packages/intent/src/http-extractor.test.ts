import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import { type TestContext, test } from "node:test";
import { createHttpExtractor } from "./http-extractor.ts";

const answer = {
  intent: {
    summary: "reads",
    allowed_tools: ["read"],
    forbidden_tools: [],
    confidence: 0.9,
    rationale: "said so",
  },
  model: "rules",
  latency_ms: 3,
};

async function serve(t: TestContext, listener: RequestListener): Promise<string> {
  const server: Server = createServer(listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return `http://127.0.0.1:${address.port}`;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

test("the request and the answer follow the contract", async (t) => {
  const seen: unknown[] = [];
  const url = await serve(t, async (request, response) => {
    const { method, url: path, headers } = request;
    const body = await bodyOf(request);
    seen.push({ method, path, type: headers["content-type"], key: headers["x-key"], body: JSON.parse(body) });
    response.end(JSON.stringify({ ...answer, served_by: "a later version" }));
  });
  const extractor = createHttpExtractor({ url: `${url}/base/`, timeoutMs: 5000, headers: { "x-key": "k" } });
  assert.deepEqual(await extractor.extract({ prompt: "read é😀", agent_id: "bot" }), answer.intent);
  assert.deepEqual(seen, [
    {
      method: "POST",
      path: "/base/v1/extract",
      type: "application/json",
      key: "k",
      body: { prompt: "read é😀", agent_id: "bot" },
    },
  ]);
});

const failures: Readonly<Record<string, [listener: RequestListener, kind: string, code: string]>> = {
  "never answers": [() => {}, "unavailable", "intent.timeout"],
  "begins an answer and stops": [(_, response) => void response.write("{"), "unavailable", "intent.timeout"],
  "hangs up": [(request) => void request.socket.destroy(), "unavailable", "intent.unreachable"],
  "answers 500": [(_, response) => void response.writeHead(500).end("{}"), "upstream", "intent.status"],
  "answers 404 with a good body": [
    (_, response) => void response.writeHead(404).end(JSON.stringify(answer)),
    "upstream",
    "intent.status",
  ],
  "redirects to a good answer": [
    (request, response) => {
      if (request.url === "/elsewhere") response.end(JSON.stringify(answer));
      else response.writeHead(307, { location: "/elsewhere" }).end();
    },
    "unavailable",
    "intent.unreachable",
  ],
  "answers nothing": [(_, response) => void response.end(), "upstream", "intent.answer"],
  "answers a page": [(_, response) => void response.end("<html>"), "upstream", "intent.answer"],
  "answers an intent without confidence": [
    (_, response) =>
      void response.end(JSON.stringify({ ...answer, intent: { ...answer.intent, confidence: undefined } })),
    "upstream",
    "intent.answer",
  ],
  "is surer than sure": [
    (_, response) =>
      void response.end(JSON.stringify({ ...answer, intent: { ...answer.intent, confidence: 1.1 } })),
    "upstream",
    "intent.answer",
  ],
  "answers too much": [(_, response) => void response.end("x".repeat(5000)), "upstream", "intent.answer"],
  "answers without end": [
    (_, response) => {
      const pour = () => {
        while (!response.destroyed && response.write("x".repeat(512)));
      };
      response.on("drain", pour);
      pour();
    },
    "upstream",
    "intent.answer",
  ],
};
for (const [name, [listener, kind, code]] of Object.entries(failures)) {
  test(`an extractor that ${name} is a fault ${code}`, async (t) => {
    const url = await serve(t, listener);
    const extractor = createHttpExtractor({
      url,
      timeoutMs: code === "intent.timeout" ? 50 : 5000,
      answerBytesMax: 4096,
    });
    await assert.rejects(extractor.extract({ prompt: "read" }), { name: "Fault", kind, code });
  });
}

test("an extractor that is not there is a fault intent.unreachable", async () => {
  const extractor = createHttpExtractor({ url: "http://127.0.0.1:9", timeoutMs: 5000 });
  await assert.rejects(extractor.extract({ prompt: "read" }), {
    kind: "unavailable",
    code: "intent.unreachable",
  });
});
