// One structured log line per thing worth knowing, as JSON on one stream. Fields that could carry a secret are redacted by name at any
// depth that we log, and errors are logged without their causes' values.
import { toFault } from "@postern/fault";
import { type DestinationStream, type Logger as Pino, pino } from "pino";

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

/** Field names whose values never reach a log. */
export const REDACTED_FIELDS = [
  "authorization",
  "credential",
  "token",
  "secret",
  "password",
  "cookie",
  "args",
  "arguments",
  "arg_values",
  "intent_prompt",
  "capability_token",
  "admin_token",
  "attenuation_key",
] as const;

const paths = REDACTED_FIELDS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);

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
        formatters: { level: (label) => ({ level: label }) },
        redact: { paths, censor: "[redacted]" },
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
    with: (fields) => wrap(log.child(fields)),
  };
}

/** Logs nothing: for tests of code that takes a logger. */
export const silentLogger: Logger = createLogger({ name: "silent", level: "silent" });
