// What must stay with its caller is found nowhere else: secrets in arguments, headers, prompts and tokens, whatever becomes of the request, are in
// no log line, no event of the default mode, no metric and no file, and nothing that a caller sends breaks a log line in two.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { TENANT } from "../e2e/stack.ts";
import { startHostileStack } from "./hostile-stack.ts";
import { bearer, callBody, JSON_TYPE, modernBody, modernHead, requestBody } from "./message.ts";
import { ask, exchange, leave, request, sendBytes } from "./raw-http.ts";

const stack = await startHostileStack(
  { after },
  {
    env: (url) => ({
      POSTERN_UPSTREAM_URL: url,
      POSTERN_LOG_LEVEL: "debug",
      POSTERN_AUDIT_ARG_VALUES: "keys",
      POSTERN_UPSTREAM_TIMEOUT_MS: "500",
      POSTERN_CIRCUIT_FAILURES: "0",
      POSTERN_BODY_TIMEOUT_MS: "500",
    }),
  },
);
const { port, token, upstream } = stack;
const CANARY = `canary${randomUUID().replaceAll("-", "")}`;
const canaries = {
  value: `${CANARY}-value`,
  header: `${CANARY}-header`,
  prompt: `${CANARY}-prompt`,
  uri: `${CANARY}-uri`,
};
const args = { nonce: "n", password: canaries.value, deep: [{ list: [canaries.value] }], delayMs: 10 };
const head = [
  `Cookie: session=${canaries.header}`,
  `X-Api-Key: ${canaries.header}`,
  `X-Forwarded-For: ${canaries.header}`,
  `User-Agent: ${canaries.header}`,
];
const meta = { "x.example/secret": canaries.value };

test("requests that bear secrets are sent through every way out that there is", async () => {
  const tools = [
    "record",
    "stream",
    "late",
    "drop",
    "half",
    "huge",
    "hang",
    "task",
    "state",
    "forbidden",
    "nothing",
  ];
  for (const tool of tools) {
    const legacy = requestBody("tools/call", { name: tool, arguments: args, _meta: meta });
    await stack.ask({ head, body: legacy }).catch(() => undefined);
    await stack.ask({ head, target: "/v1/tool-call", body: legacy }).catch(() => undefined);
    const modern = modernBody("tools/call", { name: tool, arguments: args, requestState: canaries.value });
    await stack
      .ask({ head: [...head, ...modernHead("tools/call", tool)], body: modern })
      .catch(() => undefined);
  }
  const prompted = [...head, `X-Intent-Prompt: delete all the things of ${canaries.prompt}`];
  await stack.ask({ head: prompted, body: callBody("record", args) });
  await stack.ask({ head: [...head, "X-Intent-Prompt: =?base64?@@?="], body: callBody("record", args) });
  for (const [method, params] of [
    ["resources/read", { uri: `doc://open/${canaries.uri}` }],
    ["resources/read", { uri: `doc://hidden/${canaries.uri}` }],
    ["prompts/get", { name: "open", arguments: { secret: canaries.value } }],
    [
      "completion/complete",
      { ref: { type: "ref/prompt", name: "open" }, argument: { value: canaries.value } },
    ],
    ["logging/setLevel", { level: canaries.value }],
    ["x/unknown", { secret: canaries.value }],
  ] as const) {
    await stack.ask({ head, body: requestBody(method, params) });
  }
  const narrow = await stack.mint({
    caveats: [{ type: "arguments", predicates: [{ op: "eq", path: "/password", value: "other" }] }],
  });
  await stack.ask({ head, token: narrow, body: callBody("record", args) });
  await ask(port, {
    head: [bearer(`${token.slice(0, -9)}${CANARY}`), JSON_TYPE],
    body: callBody("record", args),
  });
  await ask(port, {
    head: [`Authorization: Basic ${btoa(CANARY)}`, JSON_TYPE],
    body: callBody("record", args),
  });
  await leave(port, request({ head: [bearer(token), JSON_TYPE], body: callBody("late", args) }), () => true);
});

test("requests that are broken in every part are refused without being quoted", async () => {
  const body = callBody("record", args);
  for (const broken of [body.slice(0, -2), `${body}}`, `[${body}]`, body.replace('"nonce"', '"password"')])
    await stack.ask({ head, body: broken });
  await stack.ask({ head: [...head, `Mcp-Name: ${canaries.header}`], body });
  await stack.ask({ head: [...head, `MCP-Protocol-Version: ${canaries.header}`], body });
  await stack.ask({ head: [...head, `X-Request-Id: ${canaries.header} x`], body });
  await stack.ask({ head: [...head, `Mcp-Session-Id: stolen`], body });
  await stack.ask({ head, target: `/v1/${canaries.header}`, body });
  await exchange(
    port,
    `POST /v1/mcp?${canaries.header} HTTP/1.1\r\nHost: ${canaries.header}\r\nConnection: close\r\n\r\n`,
  );
  await exchange(port, `${canaries.header}\r\n\r\n`);
  await sendBytes(port, request({ head: [bearer(token), JSON_TYPE], body }).subarray(0, -3));
});

test("a caller cannot write a log line, or break one in two", async () => {
  const forged = '{"level":"error","msg":"forged"}';
  for (const name of [
    `a\\n${forged}`,
    "a\\u001b[31mred",
    "a\\u0085b",
    "a\\u2028b",
    "=cmd|' /C calc'!A0",
    "a|b=c",
  ]) {
    await stack.ask({ body: callBody("@").replace("@", name) });
    await stack.ask({ body: requestBody("@").replace("@", name) });
  }
  for (const id of [`x\t${forged}`, "x\x7f", "\x1b[2J"]) {
    const bytes = request({
      head: [bearer(token), JSON_TYPE, `X-Request-Id: ${id}`],
      body: callBody("record"),
    });
    await exchange(port, bytes);
  }
});

const everyFile = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

test("the secrets reached the tool server and are nowhere else: no log, no event, no metric, no file", async () => {
  const events = await stack.events();
  assert.ok(events.length > 40, `${events.length} events`);
  assert.ok(upstream.arrivals.some(({ body }) => body.includes(canaries.value)));
  const metrics = await (await fetch(`${stack.sidecar.url}/metrics`)).text();
  const controlMetrics = await (await fetch(`${stack.controlPlane.url}/metrics`)).text();
  const log = (running: { stdout(): string; stderr(): string }) => running.stdout() + running.stderr();
  const places: Readonly<Record<string, string>> = {
    events: JSON.stringify(events),
    metrics,
    controlMetrics,
    sidecarLog: log(stack.sidecar.process),
    controlPlaneLog: log(stack.controlPlane.process),
  };
  const [, , tokenPayload = ""] = token.split(".");
  for (const [place, text] of Object.entries(places)) {
    for (const [kind, secret] of Object.entries({ ...canaries, token: tokenPayload }))
      assert.ok(!text.includes(secret), `the ${kind} is in the ${place}: ${around(text, secret)}`);
  }
  for (const folder of [stack.sidecarDir, stack.controlPlane.dataDir]) {
    for (const file of everyFile(folder)) {
      const bytes = readFileSync(file);
      for (const secret of [CANARY, tokenPayload])
        assert.ok(!bytes.includes(secret), `${file} holds a secret`);
    }
  }
});

const around = (text: string, secret: string) => {
  const at = text.indexOf(secret);
  return at === -1 ? "" : text.slice(Math.max(0, at - 300), at + 100);
};

test("every log line is one JSON object, and none of them was written by a caller", () => {
  for (const { process: running } of [stack.sidecar, stack.controlPlane]) {
    const lines = (running.stdout() + running.stderr()).split("\n").filter((line) => line !== "");
    assert.ok(lines.length > 0);
    for (const line of lines) {
      const { level, msg } = JSON.parse(line) as { level?: string; msg?: string };
      assert.ok(level !== undefined && msg !== "forged", line);
    }
  }
});

test("the chain over all of that verifies", async () => {
  assert.equal((await stack.admin.verifyAudit({ tenant: TENANT })).verified, true);
});
