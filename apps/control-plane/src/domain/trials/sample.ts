// The little language of samples: items joined by commas, each kind once. `last:500`, `24h`, `tool:<name>`, `agent:<id>`, or the id of one
// event, alone. Whatever is neither is refused with what is allowed.
import { Identifier } from "@postern/contracts";
import { Fault } from "@postern/fault";
import type { Selection } from "./model.ts";

/** Most calls that one dry run judges. */
export const CALLS_MAX = 10_000;
/** Longest window of time, days. */
const DAYS_MAX = 3_660;

export type SampleText = Partial<
  Pick<Selection, "limit" | "since" | "tool" | "agentId" | "eventId"> & { readonly windowMs: number }
>;

const UNIT_MS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Faults: invalid "trials.sample". */
export function readSample(text: string): SampleText {
  const items = text.split(",").map((item) => item.trim());
  let sample: SampleText = {};
  for (const item of items) {
    const read = itemOf(item);
    const [kind = ""] = Object.keys(read);
    if (kind in sample) throw badSample(`${JSON.stringify(shown(item))} names a second ${KINDS[kind]}`);
    sample = { ...sample, ...read };
  }
  if (sample.eventId !== undefined && items.length > 1) {
    throw badSample("the id of an event stands alone");
  }
  return sample;
}

const KINDS: Readonly<Record<string, string>> = {
  limit: "number of calls",
  windowMs: "window of time",
  tool: "tool",
  agentId: "agent",
  eventId: "event",
};

function itemOf(item: string): SampleText {
  const [, kind, value = ""] = /^(last|tool|agent):(.*)$/s.exec(item) ?? [];
  if (kind === "last") return { limit: callsOf(value) };
  if (kind === "tool") return { tool: nameOf(kind, value) };
  if (kind === "agent") return { agentId: nameOf(kind, value) };
  const [, count, unit] = /^(\d{1,6})([mhd])$/.exec(item) ?? [];
  if (count !== undefined) return { windowMs: windowOf(Number(count), unit as keyof typeof UNIT_MS) };
  if (Identifier.safeParse(item).success) return { eventId: item };
  throw badSample(item === "" ? "an item is empty" : `${JSON.stringify(shown(item))} is none of these`);
}

function callsOf(value: string): number {
  const calls = /^[1-9]\d{0,5}$/.test(value) ? Number(value) : 0;
  if (calls >= 1 && calls <= CALLS_MAX) return calls;
  throw badSample(`last: takes a number from 1 to ${CALLS_MAX}`);
}

function nameOf(kind: "tool" | "agent", value: string): string {
  if (value !== "" && value.length <= 256) return value;
  throw badSample(`${kind}: takes a name of 1 to 256 characters`);
}

function windowOf(count: number, unit: keyof typeof UNIT_MS): number {
  const windowMs = count * UNIT_MS[unit];
  if (windowMs > 0 && windowMs <= DAYS_MAX * UNIT_MS.d) return windowMs;
  throw badSample(`a window of time is from 1m to ${DAYS_MAX}d`);
}

const shown = (item: string) => item.slice(0, 64);

function badSample(why: string): Fault {
  const allowed = `last:N (1 to ${CALLS_MAX}), 90m, 24h or 7d, tool:<name>, agent:<id>, joined by commas, or the id of one event`;
  return new Fault("invalid", "trials.sample", `body.sample: ${why}; allowed are ${allowed}`);
}
