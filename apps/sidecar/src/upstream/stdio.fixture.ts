// Tool servers over stdio that a test makes up, and what the tests ask of them.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Fault } from "@postern/fault";
import { defer, type TestScope } from "@postern/testkit";
import { createStdioUpstream, type StdioUpstreamOptions } from "./stdio.ts";
import { forever, requestOf, textOf } from "./upstream.fixture.ts";
import type { Upstream, UpstreamResponse } from "./upstream.ts";

/**
 * A tool server in a few lines: each case is the body of `on(message, line)`, with `say(value)` for one line out; `initialize` is answered with
 * the process id and the environment.
 */
function scripted(on: string): readonly [string, ...string[]] {
  const script = `
    const say = (value) => process.stdout.write(JSON.stringify(value) + "\\n");
    const answer = (message, result) => say({ jsonrpc: "2.0", id: message.id, result });
    const on = (message, line) => { ${on} };
    let held = "";
    process.stdin.on("data", (chunk) => {
      held += chunk;
      for (let end; (end = held.indexOf("\\n")) !== -1; held = held.slice(end + 1)) {
        const line = held.slice(0, end);
        const message = JSON.parse(line);
        if (message.method === "initialize") answer(message, { pid: process.pid, env: process.env, argv: process.argv.slice(1) });
        else on(message, line);
      }
    });`;
  return [process.execPath, "-e", script];
}

export function openScripted(
  scope: TestScope,
  on: string,
  options: Partial<StdioUpstreamOptions> = {},
): Upstream {
  const upstream = createStdioUpstream({
    name: "test",
    command: scripted(on),
    environment: {},
    graceMs: 100,
    ...options,
  });
  defer(scope, () => upstream.close());
  return upstream;
}

export interface Opened {
  readonly headers: { readonly "mcp-session-id": string };
  readonly pid: number;
  readonly env: Record<string, string>;
}

export async function initialize(upstream: Upstream): Promise<Opened> {
  const answer = await upstream.forward(requestOf({ id: 0, method: "initialize", params: {} }), forever());
  const id = answer.headers["mcp-session-id"];
  assert.ok(id !== undefined);
  return { headers: { "mcp-session-id": id }, ...JSON.parse(await textOf(answer)).result };
}

export const call = (id: string | number, params: object = {}) => ({
  id,
  method: "tools/call",
  params: { name: "t", ...params },
});
export const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};
export const dataIn = (text: string) =>
  [...text.matchAll(/^data: (.*)$/gm)].map(([, data = ""]) => JSON.parse(data));

export async function next({ body }: UpstreamResponse): Promise<string> {
  const { value } = await body[Symbol.asyncIterator]().next();
  return Buffer.from(value ?? []).toString();
}

/** The answer to `initialize`, asked again while the upstream says that it has no place: processes take a moment to end. */
export async function initializeWhenFree(upstream: Upstream): Promise<UpstreamResponse> {
  for (;;) {
    try {
      return await upstream.forward(requestOf({ id: 0, method: "initialize", params: {} }), forever());
    } catch (caught) {
      if (!(caught instanceof Fault) || caught.code !== "upstream.busy") throw caught;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

/** Whether a process runs; one that has ended and that nobody has reaped yet does not. */
export function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
