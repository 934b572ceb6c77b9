// What a command may touch besides its arguments, so that a test can give it another one.
import { once } from "node:events";
import { type Clock, type NewId, randomId, systemClock } from "@postern/fault";
import type { Config } from "./config.ts";

export interface World {
  /** Raises Fault invalid "config.invalid". */
  readonly config: () => Config;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly stdin: AsyncIterable<Uint8Array>;
  /** Writes to standard output; resolves when more may be written. */
  print(chunk: string | Uint8Array): Promise<void>;
  /** Writes a line to standard error. */
  complain(line: string): void;
}

export function systemWorld(config: () => Config): World {
  return {
    config,
    clock: systemClock,
    newId: randomId,
    stdin: process.stdin,
    async print(chunk) {
      if (!process.stdout.write(chunk)) await once(process.stdout, "drain");
    },
    complain(line) {
      process.stderr.write(`${line}\n`);
    },
  };
}
