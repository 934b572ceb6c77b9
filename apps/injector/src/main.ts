// Starts the injector and ends it on a signal: 0 after an orderly end, 1 when it cannot start, 2 when it is set up wrongly.
import { systemClock, toFault } from "@postern/fault";
import { createLogger, createMetrics } from "@postern/telemetry";
import { help, readConfig } from "./config.ts";
import { startRuntime } from "./runtime.ts";
import { systemSleep } from "./timing.ts";

async function main(): Promise<void> {
  if (process.argv.includes("--help")) {
    process.stdout.write(help());
    return;
  }
  const { config, unknown } = readConfig();
  const log = createLogger({ name: "injector", level: config.logLevel });
  if (unknown.length > 0) log.warn("settings that this program does not know", { names: unknown });
  const metrics = createMetrics(["admissions", "admissionDuration"]);
  const running = await startRuntime(config, { clock: systemClock, sleep: systemSleep, log, metrics });
  log.info("listening", { port: running.port, plainPort: running.plainPort });
  const signal = await new Promise<string>((resolve) => {
    for (const name of ["SIGTERM", "SIGINT"] as const) process.once(name, () => resolve(name));
  });
  log.info("stopping", { signal });
  const clean = await running.stop();
  log.info("stopped", { clean });
}

try {
  await main();
} catch (caught) {
  const fault = toFault(caught);
  process.stderr.write(`${fault.message}\n${fault.detail === undefined ? "" : `${fault.detail}\n`}`);
  process.exitCode = fault.kind === "invalid" ? 2 : 1;
}
