// Caveats as flags: the frequent ones have a flag of their own, `--caveat` takes any of them as JSON.
import { Caveat } from "@postern/contracts";
import type { Clock } from "@postern/fault";
import { z } from "zod";
import { usage, type Values } from "./command.ts";
import { parseSeconds } from "./duration.ts";

export const CAVEAT_OPTIONS = {
  tool: { value: "GLOB", multiple: true, description: "Allow only tools that match." },
  "deny-tool": { value: "GLOB", multiple: true, description: "Deny tools that match." },
  "max-calls": { value: "N", description: "Allow N calls in all." },
  rate: { value: "N", description: "Allow N calls in each minute." },
  "max-cost": { value: "MICROS", description: "Allow this cost in all, in millionths." },
  upstream: { value: "NAME", multiple: true, description: "Allow only this tool server." },
  caveat: { value: "JSON", multiple: true, description: "Any caveat, as JSON." },
} as const;
type CaveatValues = Values<typeof CAVEAT_OPTIONS>;

/** Raises Fault invalid "ctl.usage". */
export function caveatsFrom(options: CaveatValues): Caveat[] {
  const { tool, "deny-tool": denied, upstream } = options;
  return [
    ...(tool.length > 0 ? [{ type: "tool_allow" as const, tools: [...tool] }] : []),
    ...(denied.length > 0 ? [{ type: "tool_deny" as const, tools: [...denied] }] : []),
    ...counted("max-calls", options["max-calls"], (limit) => ({ type: "max_calls", limit })),
    ...counted("rate", options.rate, (per_minute) => ({ type: "rate", per_minute })),
    ...counted("max-cost", options["max-cost"], (micros) => ({ type: "max_cost", micros })),
    ...(upstream.length > 0 ? [{ type: "upstreams" as const, names: [...upstream] }] : []),
    ...options.caveat.map(parseCaveat),
  ].map((caveat) => checked(caveat));
}

/** The expiry caveat for a length of time from now. Raises Fault invalid "ctl.usage". */
export function expiryFrom(text: string | undefined, option: string, clock: Clock): Caveat[] {
  if (text === undefined) return [];
  const at = new Date(clock.nowMs() + parseSeconds(text, option) * 1000).toISOString();
  return [{ type: "expiry", at }];
}

function counted(option: string, text: string | undefined, make: (count: number) => Caveat): Caveat[] {
  if (text === undefined) return [];
  if (!/^\d{1,15}$/.test(text)) throw usage(`--${option} must be a whole number`);
  return [make(Number(text))];
}

function parseCaveat(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw usage(`--caveat must be JSON, such as '{"type":"max_calls","limit":5}'`);
  }
}

function checked(caveat: unknown): Caveat {
  const parsed = Caveat.safeParse(caveat);
  if (!parsed.success) throw usage(`a caveat cannot be used:\n${z.prettifyError(parsed.error)}`);
  return parsed.data;
}
