// One structured log line per thing worth knowing, as JSON on one stream: a caller's text is a JSON string, so it can neither begin a line nor
// a field. Errors are logged without their causes, and secrets are taken out by name and by form (see redact.ts).
import { toFault } from "@postern/fault";
import { type DestinationStream, type Logger as Pino, pino } from "pino";
import { redactFields, redactLine } from "./redact.ts";

export const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export type Fields = Readonly<Record<string, unknown>>;

export interface Logger {
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  /** `caught` is logged as kind, code, message, detail and stack. */
  error(message: string, caught: unknown, fields?: Fields): void;
  with(fields: Fields): Logger;
}

/** `destination` defaults to standard error, so that standard output stays free for answers. */
export function createLogger(options: {
  name: string;
  level: LogLevel;
  destination?: DestinationStream;
}): Logger {
  return wrap(
    pino(
      {
        name: options.name,
        level: options.level,
        base: { name: options.name, pid: process.pid },
        timestamp: pino.stdTimeFunctions.isoTime,
        formatters: { level: (label) => ({ level: label }), log: redactFields },
        hooks: { streamWrite: redactLine },
      },
      options.destination ?? pino.destination({ dest: 2, sync: true }),
    ),
  );
}

function wrap(log: Pino): Logger {
  return {
    debug: (message, fields = {}) => log.debug(fields, message),
    info: (message, fields = {}) => log.info(fields, message),
    warn: (message, fields = {}) => log.warn(fields, message),
    error: (message, caught, fields = {}) => {
      const { kind, code, message: text, detail, stack } = toFault(caught);
      log.error({ ...fields, fault: { kind, code, text, detail, stack } }, message);
    },
    with: (fields) => wrap(log.child(redactFields(fields))),
  };
}

/** Logs nothing: for tests of code that takes a logger. */
export const silentLogger: Logger = createLogger({ name: "silent", level: "silent" });
