// For tests only: the `opa` executable, from OPA_BIN, the PATH, Go's folder or the bootstrap's cache.
// A test without it is skipped, and says so.
import { accessSync, constants } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

interface Skippable {
  skip(message: string): void;
}

/** Path of `opa`, or undefined after having skipped the test. */
export function opaFor(test: Skippable): string | undefined {
  const path = candidates().find(isExecutable);
  if (path === undefined) test.skip("opa not found: set OPA_BIN, or put opa on the PATH");
  return path;
}

function candidates(): readonly string[] {
  const { OPA_BIN, PATH = "", XDG_CACHE_HOME = join(homedir(), ".cache") } = process.env;
  return [
    ...(OPA_BIN === undefined ? [] : [OPA_BIN]),
    ...PATH.split(delimiter).map((folder) => join(folder, "opa")),
    join(homedir(), "go", "bin", "opa"),
    join(XDG_CACHE_HOME, "postern", "opa", "1.21.3", "opa"),
  ];
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
