#!/usr/bin/env node
// The `postern` command: hands the process over to run() and turns its answer into an exit code.
import { readConfig } from "./config.ts";
import { run } from "./run.ts";
import { systemWorld } from "./world.ts";

// A reader that left early (`postern audit export | head`) is no trouble of ours.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? 0 : 3);
});

process.exitCode = await run(process.argv.slice(2), systemWorld(readConfig));
