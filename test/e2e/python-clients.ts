// The official Python client, in an environment of its own below the user's cache folder. Where there is no Python or no package index
// there is no such client, and the reason is for the test to tell.
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { REFUSED_TOOLS, SENSELESS_PROMPT, type Story } from "./clients-story.ts";
import type { Door } from "./typescript-clients.ts";

const MCP_VERSION = "2.3.0";
const INSTALL_TIMEOUT_MS = 240_000;

const run = promisify(execFile);

export type Python =
  | { readonly ok: true; readonly program: string }
  | { readonly ok: false; readonly why: string };

/** An interpreter that has the client; installed on first use. */
export async function findPython(): Promise<Python> {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "postern", "python");
  const environment = join(cache, `mcp-${MCP_VERSION}`);
  const program = join(environment, "bin", "python");
  if (existsSync(program)) return { ok: true, program };
  mkdirSync(cache, { recursive: true });
  const draft = mkdtempSync(join(cache, "draft-"));
  try {
    const options = { timeout: INSTALL_TIMEOUT_MS };
    await run("python3", ["-m", "venv", "--copies", draft], options);
    const python = join(draft, "bin", "python");
    await run(
      python,
      ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", `mcp==${MCP_VERSION}`],
      options,
    );
    // Whole or not at all: an installation that was broken off is never taken for one.
    renameSync(draft, environment);
    return { ok: true, program };
  } catch (caught) {
    if (existsSync(program)) return { ok: true, program };
    const said =
      caught instanceof Error && "stderr" in caught ? String(caught.stderr).trim().split("\n").at(-1) : "";
    return { ok: false, why: `the Python client could not be had: ${said || String(caught)}` };
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/** `mode`: "legacy", or a stateless revision of the protocol. */
export async function tellPythonStory(program: string, { url, token }: Door, mode: string): Promise<Story> {
  const script = join(import.meta.dirname, "python-clients.py");
  const args = [script, url, token, mode, SENSELESS_PROMPT, JSON.stringify(REFUSED_TOOLS)];
  // Proxies of the environment are not for a server on this machine.
  const env = { PATH: dirname(program), NO_PROXY: "*" };
  const { stdout } = await run(program, args, { timeout: 120_000, env });
  return JSON.parse(stdout) as Story;
}
