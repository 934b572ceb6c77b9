import assert from "node:assert/strict";
import { test } from "node:test";
import { defer } from "@postern/testkit";
import {
  call,
  dataIn,
  initialize,
  initializeWhenFree,
  isAlive,
  isRunning,
  openScripted,
} from "./stdio.fixture.ts";
import { bodiless, faultOf, forever, requestOf, textOf, until } from "./upstream.fixture.ts";
import { mayHaveRun } from "./upstream.ts";

test("the process sees the environment it is given, and no shell reads its command", async (t) => {
  const { env } = await initialize(openScripted(t, "", { environment: { GIVEN: "$HOME;`id`" } }));
  assert.equal(env.GIVEN, "$HOME;`id`");
  assert.equal(env.HOME, undefined);
  assert.equal(env.PATH, undefined);
});

test("a crash fails every waiting call as one that may have run, and forgets the session", async (t) => {
  const upstream = openScripted(
    t,
    `if (message.id === 1) say({ jsonrpc: "2.0", method: "notifications/progress", params: { progressToken: 1, progress: 1 } });
     if (message.id === 3) process.exit(9);`,
  );
  const { headers } = await initialize(upstream);
  const other = await initialize(upstream);
  const streaming = await upstream.forward(
    requestOf(call(1, { _meta: { progressToken: 1 } }), headers),
    forever(),
  );
  const listening = await upstream.forward(bodiless("GET", headers), forever());
  const waiting = [2, 3].map((id) => faultOf(upstream.forward(requestOf(call(id), headers), forever())));
  for (const fault of [
    ...(await Promise.all(waiting)),
    await faultOf(textOf(streaming)),
    await faultOf(textOf(listening)),
  ]) {
    assert.deepEqual([fault.kind, fault.code, mayHaveRun(fault)], ["upstream", "upstream.unavailable", true]);
    assert.match(fault.message, /may have run/);
    assert.equal(fault.detail, "ended with code 9");
  }
  const gone = await upstream.forward(requestOf(call(4), headers), forever());
  assert.equal(gone.status, 404);
  assert.ok(isAlive(other.pid));
});

test("an answer on the last line before the process ends is still an answer", async (t) => {
  const upstream = openScripted(
    t,
    'process.stdout.write(JSON.stringify({ jsonrpc: "2.0", id: message.id, result: "x".repeat(300000) }) + "\\n", () => process.exit(0))',
  );
  const { headers } = await initialize(upstream);
  const answer = await upstream.forward(requestOf(call(1), headers), forever());
  assert.equal(JSON.parse(await textOf(answer)).result.length, 300_000);
});

test("a command that cannot be started is told as never sent", async (t) => {
  const upstream = openScripted(t, "", {
    command: ["no-such-program-anywhere"],
    environment: { PATH: "/nowhere" },
  });
  const fault = await faultOf(upstream.forward(requestOf({ id: 0, method: "initialize" }), forever()));
  assert.deepEqual([fault.kind, fault.code, mayHaveRun(fault)], ["upstream", "upstream.unavailable", false]);
  assert.deepEqual(await upstream.probe(), {
    ok: false,
    detail: "no-such-program-anywhere is not an executable file",
  });
  assert.equal((await openScripted(t, "").probe()).ok, true);
});

test("a server that refuses to initialize gets no session, and its place is free again", async (t) => {
  const refusal = '{"jsonrpc":"2.0","id":0,"error":{"code":-32602,"message":"no"}}';
  const script = `process.stdin.once("data", () => console.log(${JSON.stringify(refusal)}))`;
  const upstream = openScripted(t, "", { command: [process.execPath, "-e", script], sessionsMax: 1 });
  for (let attempts = 0; attempts < 2; attempts += 1) {
    const answer = await initializeWhenFree(upstream);
    assert.equal(answer.headers["mcp-session-id"], undefined);
    assert.equal(await textOf(answer), refusal);
  }
});

test("sessions are bounded, and DELETE makes room by ending the process", async (t) => {
  const upstream = openScripted(t, "", { sessionsMax: 1 });
  const { headers, pid } = await initialize(upstream);
  const fault = await faultOf(upstream.forward(requestOf({ id: 0, method: "initialize" }), forever()));
  assert.deepEqual([fault.kind, fault.code, mayHaveRun(fault)], ["limited", "upstream.busy", false]);
  const ended = await upstream.forward(bodiless("DELETE", headers), forever());
  assert.equal(ended.status, 204);
  assert.equal((await upstream.forward(bodiless("DELETE", headers), forever())).status, 404);
  assert.equal((await initializeWhenFree(upstream)).status, 200);
  assert.equal(isAlive(pid), false);
});

test("noise on standard output and standard error harms nothing and is told", async (t) => {
  const told: string[] = [];
  const upstream = openScripted(
    t,
    'console.log("starting…"); console.error("trouble"); console.log(""); answer(message, {});',
    {
      onDiagnostic: (text) => told.push(text.trim()),
    },
  );
  const { headers } = await initialize(upstream);
  const answer = await upstream.forward(requestOf(call(1), headers), forever());
  assert.equal(answer.status, 200);
  await until(() => told.length >= 2);
  assert.deepEqual(told.sort(), [
    "trouble",
    "what the tool server says is no message: the message is not JSON",
  ]);
});

test("a line beyond its bound ends the process", async (t) => {
  const upstream = openScripted(t, 'process.stdout.write("x".repeat(5000)); setInterval(() => {}, 1000);', {
    lineBytesMax: 4_096,
  });
  const { headers, pid } = await initialize(upstream);
  const fault = await faultOf(upstream.forward(requestOf(call(1), headers), forever()));
  assert.match(fault.detail ?? "", /line larger than 4096 bytes/);
  assert.equal(isAlive(pid), false);
});

test("a process that does not read takes no more than its bound, and what was not sent is told so", async (t) => {
  const upstream = openScripted(t, "process.stdin.pause();", { lineBytesMax: 500_000 });
  const { headers } = await initialize(upstream);
  const big = call(1, { arguments: { text: "x".repeat(400_000) } });
  const asked = [1, 2, 3, 4, 5, 6, 7].map((id) =>
    upstream.forward(requestOf({ ...big, id }, headers), forever()),
  );
  const fault = await faultOf(Promise.race(asked));
  assert.deepEqual([fault.code, mayHaveRun(fault)], ["upstream.busy", false]);
  for (const waiting of asked) waiting.catch(() => {});
});

test("a reader that stops halts its own process, and then gets every byte", async (t) => {
  const told: number[] = [];
  const upstream = openScripted(
    t,
    `if (message.method === "notifications/initialized") return void console.error(globalThis.sent ?? 0);
     globalThis.sent = 0;
     const more = () => {
       while (globalThis.sent < 2000) {
         globalThis.sent += 1;
         const params = { progressToken: 1, progress: globalThis.sent, message: "x".repeat(10000) };
         const line = JSON.stringify({ jsonrpc: "2.0", method: "notifications/progress", params });
         if (!process.stdout.write(line + "\\n")) return process.stdout.once("drain", more);
       }
       answer(message, {});
     };
     more();`,
    { onDiagnostic: (text) => told.push(...text.trim().split("\n").map(Number)) },
  );
  const { headers } = await initialize(upstream);
  const answer = await upstream.forward(
    requestOf(call(1, { _meta: { progressToken: 1 } }), headers),
    forever(),
  );
  // Asked how far it is, it answers on another channel; without a halt it would be through long before the hundredth answer.
  for (let asked = 1; asked <= 100; asked += 1) {
    await upstream.forward(requestOf({ method: "notifications/initialized" }, headers), forever());
    await until(() => told.length >= asked);
  }
  assert.ok((told.at(-1) ?? 0) < 200, `${told.at(-1)} lines were taken without a reader`);
  assert.equal(dataIn(await textOf(answer)).length, 2_001);
});

test("disuse ends a session, a waiting request does not count as disuse", async (t) => {
  const upstream = openScripted(t, "setTimeout(() => answer(message, {}), 400);", { idleTtlMs: 100 });
  const { headers, pid } = await initialize(upstream);
  const answer = await upstream.forward(requestOf(call(1), headers), forever());
  assert.equal(answer.status, 200);
  await until(() => !isAlive(pid));
  assert.equal((await upstream.forward(requestOf(call(2), headers), forever())).status, 404);
});

test("a session in use does not end", async (t) => {
  const upstream = openScripted(t, "answer(message, {})", { idleTtlMs: 60 });
  const { headers } = await initialize(upstream);
  const startedMs = performance.now();
  for (let id = 1; performance.now() - startedMs < 250; id += 1) {
    assert.equal((await upstream.forward(requestOf(call(id), headers), forever())).status, 200);
  }
});

test("a process that ignores the end of its input and SIGTERM is killed, its children with it", async (t) => {
  const upstream = openScripted(
    t,
    `process.on("SIGTERM", () => {});
     setInterval(() => {}, 1000);
     const child = require("node:child_process").spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "inherit" });
     answer(message, { child: child.pid });`,
    { graceMs: 50 },
  );
  const { headers, pid } = await initialize(upstream);
  const answer = await upstream.forward(requestOf(call(1), headers), forever());
  const { child } = JSON.parse(await textOf(answer)).result;
  assert.ok(isAlive(pid) && isAlive(child));
  await upstream.close();
  await until(() => !isAlive(pid) && !isRunning(child));
  const fault = await faultOf(upstream.forward(requestOf({ id: 0, method: "initialize" }), forever()));
  assert.equal(mayHaveRun(fault), false);
  assert.deepEqual(await upstream.probe(), { ok: false, detail: "closed" });
});

test("a process that has ended is over, even if one that left its group holds its output open", async (t) => {
  const upstream = openScripted(
    t,
    `const { spawn } = require("node:child_process");
     const options = { detached: true, stdio: ["ignore", "inherit", "inherit"] };
     const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], options);
     console.error(child.pid);
     child.unref();
     process.exit(3);`,
    { graceMs: 50, onDiagnostic: (text) => defer(t, () => void process.kill(Number(text), "SIGKILL")) },
  );
  const { headers } = await initialize(upstream);
  const fault = await faultOf(upstream.forward(requestOf(call(1), headers), forever()));
  assert.equal(fault.detail, "ended with code 3");
});
