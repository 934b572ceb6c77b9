// The data folder of a start: one start at a time has it, and one that cannot be written to is told before anything is started.
import { accessSync, constants, mkdirSync } from "node:fs";
import { join } from "node:path";
import { lockDirectory } from "../../apps/control-plane/src/database/lock.ts";
import { Fault, toFault } from "../../packages/fault/src/index.ts";
import { readKept } from "./kept-file.ts";

/**
 * Takes the folder, and makes it if it is not there. Release it last.
 * Faults: invalid "start.data_folder" (it cannot be written to); conflict "start.running" (another start has it).
 */
export function takeDataFolder(dataDir: string): { release(): void } {
  const lock = join(dataDir, "start.lock");
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    accessSync(dataDir, constants.W_OK);
    return lockDirectory(lock);
  } catch (caught) {
    const fault = toFault(caught);
    if (fault.code === "database.locked") throw taken(dataDir, lock, fault);
    const why = caught instanceof Error && "code" in caught ? String(caught.code) : fault.message;
    throw new Fault(
      "invalid",
      "start.data_folder",
      `Postern cannot write to the data folder ${dataDir} (${why}). Make it writable, or name another one with POSTERN_DATA_DIR.`,
      { cause: caught },
    );
  }
}

function taken(dataDir: string, lock: string, cause: Fault): Fault {
  const pid = readKept(lock)?.pid;
  const message =
    typeof pid === "number"
      ? `Postern is already running with this data folder (process ${pid}): ${dataDir}`
      : cause.message;
  return new Fault("conflict", "start.running", message, { cause });
}
