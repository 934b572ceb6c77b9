// Starts the control plane and ends it on a signal: 0 after an orderly end, 1 when it cannot start, 2 when it is set up wrongly.
import { toFault } from "@postern/fault";
import { createLogger } from "@postern/telemetry";
import { help, readConfig } from "./config.ts";
import { start } from "./runtime.ts";

async function main(): Promise<void> {
  if (process.argv.includes("--help")) {
    process.stdout.write(help());
    return;
  }
  const { config, unknown } = readConfig();
  const log = createLogger({ name: "control-plane", level: config.logLevel });
  if (unknown.length > 0) log.warn("settings that this program does not know", { names: unknown });
  const running = await start(config, log);
  log.info("listening", { url: running.url });
  const signal = await new Promise<string>((resolve) => {
    for (const name of ["SIGTERM", "SIGINT"] as const) process.once(name, () => resolve(name));
  });
  log.info("stopping", { signal });
  await running.stop();
  log.info("stopped");
}

try {
  await main();
} catch (caught) {
  const fault = toFault(caught);
  process.stderr.write(`${fault.message}\n${fault.kind === "internal" ? `${fault.detail}\n` : ""}`);
  process.exitCode = fault.code === "config.invalid" ? 2 : 1;
}
