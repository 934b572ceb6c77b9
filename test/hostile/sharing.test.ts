// Many callers at one door: whatever ids they choose and however their streams lie across each other, each gets its own answers and nobody
// else's. Every call carries a nonce of its own, and an answer may hold no other.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { connect } from "node:net";
import { after, test } from "node:test";
import { startHostileStack } from "./hostile-stack.ts";
import { bearer, callBody, modernBody, modernHead, requestBody } from "./message.ts";

/** Answers each call with the caller's nonce after a while of its own, reporting progress under the caller's token before. */
const STDIO_SERVER = `
const say = (value) => process.stdout.write(JSON.stringify(value) + "\\n");
let held = "";
process.stdin.on("data", (chunk) => {
  held += chunk;
  for (let end; (end = held.indexOf("\\n")) !== -1; held = held.slice(end + 1)) {
    const { id, method, params } = JSON.parse(held.slice(0, end));
    if (id === undefined) continue;
    const nonce = params?.arguments?.nonce ?? "none";
    const token = params?._meta?.progressToken;
    const progress = { progressToken: token, progress: 1, message: nonce };
    if (method === "initialize") {
      say({ jsonrpc: "2.0", id, result: { protocolVersion: "2025-11-25", capabilities: {}, serverInfo: { name: "s", version: "1" } } });
      continue;
    }
    if (token !== undefined) say({ jsonrpc: "2.0", method: "notifications/progress", params: progress });
    const result = { content: [{ type: "text", text: nonce }], resultType: "complete" };
    setTimeout(() => say({ jsonrpc: "2.0", id, result }), nonce.charCodeAt(6) % 37);
  }
});`;

const stack = await startHostileStack(
  { after },
  {
    env: (url) => ({
      POSTERN_UPSTREAMS: JSON.stringify({
        web: { url },
        pipe: { command: [process.execPath, "-e", STDIO_SERVER] },
      }),
    }),
  },
);
const CALLERS = 200;
const PRINCIPALS = 20;
const tokens = await Promise.all(
  Array.from({ length: PRINCIPALS }, (_, at) => stack.mint({ subject: `agent-${at}` })),
);
const tokenOf = (caller: number) => tokens[caller % PRINCIPALS] ?? "";
const noncesIn = (text: string) => new Set(text.match(/nonce-[0-9a-f-]{36}/g) ?? []);

/** Calls once for each caller, all at the same time and all under the id 1; each answer holds its caller's nonce and no other. */
async function callAll(send: (caller: number, nonce: string) => Promise<string>): Promise<void> {
  await Promise.all(
    Array.from({ length: CALLERS }, async (_, caller) => {
      const nonce = `nonce-${randomUUID()}`;
      const text = await send(caller, nonce);
      assert.deepEqual([...noncesIn(text)], [nonce], text);
      assert.match(text, /"id":1[,}]/);
    }),
  );
}

test("200 callers with the same id and interleaved streams each get their own answer and their own notifications", async () => {
  await callAll(async (caller, nonce) => {
    const tool = ["stream", "late", "record"][caller % 3] ?? "";
    const body = callBody(tool, { nonce, delayMs: caller % 50 });
    const { body: answer } = await stack.ask({ token: tokenOf(caller), body });
    if (tool === "stream")
      assert.equal(answer.toString().split(nonce).length, 5, "three notifications and the answer");
    return answer.toString();
  });
});

test("200 callers at the other door each get their own answer, streamed or not", async () => {
  await callAll(async (caller, nonce) => {
    const body = callBody(caller % 2 === 0 ? "stream" : "late", { nonce, delayMs: caller % 50 });
    const answer = await stack.ask({ token: tokenOf(caller), target: "/v1/tool-call", body });
    return answer.body.toString();
  });
});

test("200 callers of one process over stdio, with the same id and progress token, each get their own", async () => {
  const head = modernHead("tools/call", "record");
  await callAll(async (caller, nonce) => {
    const body = modernBody("tools/call", { name: "record", arguments: { nonce } }).replace(
      '"_meta":{',
      '"_meta":{"progressToken":"p",',
    );
    const answer = await stack.ask({ token: tokenOf(caller), target: "/v1/mcp/pipe", head, body });
    return answer.body.toString();
  });
});

test("each session's stream tells its own session alone, and ids of sessions are long, random and never the same", async () => {
  const sessions = await Promise.all(
    Array.from({ length: 40 }, async (_, caller) => {
      const token = tokenOf(caller);
      const target = caller % 2 === 0 ? "/v1/mcp" : "/v1/mcp/pipe";
      const params = {
        protocolVersion: "2025-11-25",
        capabilities: {},
        clientInfo: { name: "c", version: "1" },
      };
      const answer = await stack.ask({ token, target, body: requestBody("initialize", params) });
      const id = answer.headers.get("mcp-session-id") ?? "";
      if (target === "/v1/mcp") return [id, await firstEvent(token, id)] as const;
      return [id, `session-${id}`] as const;
    }),
  );
  for (const [id, told] of sessions) {
    assert.match(id, /^[\w-]{22,}$/, "at least 128 bits");
    assert.ok(told.includes(`session-${id}`), told);
    assert.equal(told.split("session-").length, 2);
  }
  assert.equal(new Set(sessions.map(([id]) => id)).size, sessions.length);
});

/** What a session's stream begins with. */
function firstEvent(token: string, sessionId: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const head = [`GET /v1/mcp HTTP/1.1`, "Host: localhost", bearer(token), "Accept: text/event-stream"];
    const socket = connect(stack.port, "127.0.0.1", () =>
      socket.write(`${head.join("\r\n")}\r\nMcp-Session-Id: ${sessionId}\r\n\r\n`),
    );
    let text = "";
    socket.setEncoding("utf8").on("data", (piece: string) => {
      text += piece;
      if (!text.includes("\n\n")) return;
      socket.destroy();
      resolve(text);
    });
    socket.once("error", reject);
  });
}

test("each of those calls is one event of its own caller", async () => {
  const events = (await stack.events()).filter(({ event }) => event === "intentgate.tool_call");
  const nonces = events.map(({ arg_values }) => String(arg_values.nonce));
  assert.equal(events.length, 3 * CALLERS);
  assert.equal(new Set(nonces).size, events.length);
  for (let at = 0; at < PRINCIPALS; at += 1) {
    const own = events.filter(({ agent_id }) => agent_id === `agent-${at}`);
    assert.equal(own.length, (3 * CALLERS) / PRINCIPALS);
  }
  assert.ok(events.every(({ decision, outcome }) => decision === "allow" && outcome === "executed"));
});
