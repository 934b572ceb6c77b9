// The injector as the API server meets it: over HTTPS, with a certificate that is replaced while it serves.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { Agent, request } from "node:https";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { TLSSocket } from "node:tls";
import { systemClock } from "@postern/fault";
import { createMetrics, type Logger, silentLogger } from "@postern/telemetry";
import { defer, startProcess, temporaryDirectory } from "@postern/testkit";
import { readCertificate } from "./certificate.ts";
import { type InjectorConfig, readConfig } from "./config.ts";
import { AGENT, podOf } from "./pod.fixture.ts";
import { reviewFor } from "./review.fixture.ts";
import { type Runtime, startRuntime } from "./runtime.ts";
import { TEMPLATE_FILES } from "./template.fixture.ts";

const SERVER_NAME = "postern-injector.postern.svc";

interface Place {
  readonly environment: Readonly<Record<string, string>>;
  /** Makes a new certificate and swaps it in as a mounted Secret is swapped. Returns it, to be trusted. */
  renew(): Promise<string>;
}

/** Files as the chart mounts them; undefined, and the test skipped, where there is no openssl. */
async function placeFor(t: TestContext): Promise<Place | undefined> {
  const folder = temporaryDirectory(t);
  let made = 0;
  async function renew(): Promise<string> {
    made += 1;
    const version = join(folder, `..version-${made}`);
    await mkdir(version);
    const { status, stderr } = spawnSync("openssl", [
      ..."req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2".split(" "),
      ...["-subj", `/CN=certificate ${made}`, "-addext", `subjectAltName=DNS:${SERVER_NAME}`],
      ...["-keyout", join(version, "tls.key"), "-out", join(version, "tls.crt")],
    ]);
    assert.equal(status, 0, String(stderr));
    symlinkSync(version, join(folder, "..new"));
    renameSync(join(folder, "..new"), join(folder, "..data"));
    return readFileSync(join(version, "tls.crt"), "utf8");
  }
  if (spawnSync("openssl", ["version"]).status !== 0) {
    t.skip("openssl is not on PATH: HTTPS was not tried");
    return undefined;
  }
  for (const name of ["tls.crt", "tls.key"]) symlinkSync(join("..data", name), join(folder, name));
  for (const [name, text] of Object.entries(TEMPLATE_FILES)) writeFileSync(join(folder, name), text);
  return {
    renew,
    environment: {
      POSTERN_INJECTOR_PORT: "0",
      POSTERN_INJECTOR_PLAIN_PORT: "0",
      POSTERN_INJECTOR_CERTIFICATE_PATH: join(folder, "tls.crt"),
      POSTERN_INJECTOR_KEY_PATH: join(folder, "tls.key"),
      POSTERN_INJECTOR_TEMPLATE_DIR: folder,
      POSTERN_INJECTOR_CERTIFICATE_CHECK_MS: "20",
      POSTERN_INJECTOR_LINGER_MS: "0",
    },
  };
}

/** A logger that tells the caller of `next` when a line is logged. */
function heard(): { log: Logger; next(line: string): Promise<void> } {
  const waiting = new Map<string, () => void>();
  const hear = (line: string) => waiting.get(line)?.();
  const log = { ...silentLogger, info: hear, error: hear };
  return { log, next: (line) => new Promise((resolve) => waiting.set(line, resolve)) };
}

async function started(t: TestContext, config: InjectorConfig, log = silentLogger): Promise<Runtime> {
  const metrics = createMetrics(["admissions", "admissionDuration"]);
  const runtime = await startRuntime(config, { clock: systemClock, sleep: async () => {}, log, metrics });
  defer(t, async () => void (await runtime.stop()));
  return runtime;
}

interface Sent {
  readonly path?: string;
  readonly method?: string;
  readonly type?: string;
  readonly body?: string;
  readonly agent?: Agent;
}
interface Received {
  readonly status: number;
  readonly body: string;
  /** Common name of the certificate that was served, and whether the connection had been used before. */
  readonly name: string;
  readonly reused: boolean;
}

function send(port: number, ca: string, sent: Sent = {}): Promise<Received> {
  const { path = "/mutate?timeout=5s", method = "POST", type = "application/json", agent = false } = sent;
  const body = sent.body ?? JSON.stringify(reviewFor(podOf(AGENT)));
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port, ca, servername: SERVER_NAME, path, method, agent };
    const outgoing = request({ ...options, headers: { "content-type": type } }, async (response) => {
      const socket = response.socket as TLSSocket;
      const name = String(socket.getPeerCertificate().subject.CN);
      let text = "";
      for await (const chunk of response.setEncoding("utf8")) text += chunk;
      resolve({ status: response.statusCode ?? 0, body: text, name, reused: outgoing.reusedSocket });
    });
    outgoing.once("error", reject).end(body);
  });
}

test("a review is answered over HTTPS, and counted", async (t) => {
  const place = await placeFor(t);
  if (place === undefined) return;
  const ca = await place.renew();
  const { port, plainPort } = await started(t, readConfig(place.environment).config);
  const { status, body } = await send(port, ca);
  assert.equal(status, 200);
  assert.match(body, /"allowed":true.*"patchType":"JSONPatch"/);
  const plain = (path: string) => fetch(`http://127.0.0.1:${plainPort}${path}`);
  assert.match(
    await (await plain("/metrics")).text(),
    /postern_admissions_total\{outcome="patch",reason="pod\.injected"\} 1/,
  );
  assert.equal((await plain("/healthz")).status, 200);
  assert.deepEqual(await (await plain("/readyz")).json(), { ready: true, reasons: [] });
  assert.equal((await plain("/mutate")).status, 404);
});

test("only POST /mutate with JSON of bounded size is read", async (t) => {
  const place = await placeFor(t);
  if (place === undefined) return;
  const ca = await place.renew();
  const { port } = await started(
    t,
    readConfig({ ...place.environment, POSTERN_INJECTOR_BODY_BYTES_MAX: "4096" }).config,
  );
  for (const [sent, status] of [
    [{ method: "GET", body: "" }, 405],
    [{ path: "/" }, 404],
    [{ path: "/mutate/../x" }, 404],
    [{ path: "/metrics" }, 404],
    [{ type: "text/plain" }, 415],
    [{ type: "application/json-patch+json" }, 415],
    [{ body: " ".repeat(5000) }, 413],
    [{ body: "{" }, 400],
  ] as const) {
    assert.equal((await send(port, ca, sent)).status, status, JSON.stringify(sent).slice(0, 80));
  }
});

test("a new certificate is served to new connections, and those that are open go on", async (t) => {
  const place = await placeFor(t);
  if (place === undefined) return;
  const first = await place.renew();
  const { log, next } = heard();
  const { port } = await started(t, readConfig(place.environment).config, log);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  defer(t, () => agent.destroy());
  assert.equal((await send(port, first, { agent })).name, "certificate 1");

  const read = next("certificate read");
  const second = await place.renew();
  await read;
  const open = await send(port, first, { agent });
  assert.deepEqual([open.status, open.reused, open.name], [200, true, "certificate 1"]);
  const fresh = await send(port, second);
  assert.deepEqual([fresh.status, fresh.name], [200, "certificate 2"]);
  await assert.rejects(send(port, first), "the old certificate is gone");
});

test("a certificate and a key that do not fit together are not served", async (t) => {
  const place = await placeFor(t);
  if (place === undefined) return;
  const ca = await place.renew();
  const { log, next } = heard();
  const { config } = readConfig(place.environment);
  const { port } = await started(t, config, log);
  const told = next("new certificate not used");
  const [key] = [readFileSync(config.keyPath, "utf8"), await place.renew()];
  writeFileSync(config.keyPath, key);
  await told;
  assert.throws(() => readCertificate({ certificate: config.certificatePath, key: config.keyPath }), {
    code: "certificate.invalid",
  });
  assert.equal((await send(port, ca)).status, 200);
});

test("the program says what is wrong with its settings, serves, and ends cleanly on SIGTERM", async (t) => {
  const place = await placeFor(t);
  if (place === undefined) return;
  const ca = await place.renew();
  const run = (args: string[], environment: Record<string, string>) => ({
    command: process.execPath,
    args: [join(import.meta.dirname, "main.ts"), ...args],
    env: { PATH: process.env.PATH, ...environment },
  });
  const lost = await startProcess(t, run([], {}));
  assert.equal((await lost.exited).code, 2);
  assert.match(lost.stderr(), /POSTERN_INJECTOR_CERTIFICATE_PATH is required/);
  const asked = await startProcess(t, run(["--help"], {}));
  assert.equal((await asked.exited).code, 0);
  assert.match(asked.stdout(), /POSTERN_INJECTOR_TEMPLATE_DIR/);
  const broken = await startProcess(
    t,
    run([], { ...place.environment, POSTERN_INJECTOR_KEY_PATH: "/nonexistent" }),
  );
  assert.equal((await broken.exited).code, 2);
  assert.match(broken.stderr(), /cannot be used together/);

  const { match, stop } = await startProcess(t, {
    ...run([], place.environment),
    ready: /"port":(\d+),"plainPort":\d+,"msg":"listening"/,
  });
  assert.equal((await send(Number(match[1]), ca)).status, 200);
  assert.deepEqual(await stop(), { code: 0, signal: null });
});
