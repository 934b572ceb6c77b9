// The loads of the proxy bench by the name of their workload. A case is one load, and the lines that it is put on.
import { type LineName, MAIN_LINES, VARIANT_LINES } from "./lines.ts";
import { PLAIN, type Shape } from "./workload.ts";

export interface Case {
  readonly workload: string;
  readonly title: string;
  readonly shape: Shape;
  readonly connections: number;
  readonly lines: readonly LineName[];
  /** Undefined: a closed loop. */
  readonly ratePerS?: number;
  readonly floodPerS?: number;
  /** Time of a window as a multiple of the usual. */
  readonly timeFactor?: number;
  /** Part of a quick run. */
  readonly isQuick?: boolean;
}

const PASSING: readonly LineName[] = ["direct", "bare", "off", "on"];
const JUDGED: readonly LineName[] = ["bare", "off", "on", "cached"];
const LEGACY: Shape = { ...PLAIN, door: "legacy" };
const MODERN: Shape = { ...PLAIN, door: "modern" };
const RATE = 1_000;

const CASES: readonly Case[] = [
  ...[1, 16, 64, 256].map((connections) => ({
    workload: "lines",
    title: "0.4 KB",
    shape: PLAIN,
    connections,
    lines: MAIN_LINES,
    isQuick: connections < 256,
  })),
  {
    workload: "rate",
    title: `0.4 KB at a constant ${RATE} calls/s`,
    shape: PLAIN,
    connections: 64,
    lines: MAIN_LINES,
    ratePerS: RATE,
    timeFactor: 2,
    isQuick: true,
  },
  {
    workload: "sizes",
    title: "4 KB",
    shape: { ...PLAIN, bytes: 4_096 },
    connections: 64,
    lines: [...PASSING, "cached"],
  },
  {
    workload: "sizes",
    title: "64 KB",
    shape: { ...PLAIN, bytes: 65_536 },
    connections: 16,
    lines: [...PASSING, "cached"],
  },
  ...[16, 64].flatMap((connections) => [
    { workload: "eras", title: "/v1/mcp, 2025-11-25, sessions", shape: LEGACY, connections, lines: JUDGED },
    { workload: "eras", title: "/v1/mcp, 2026-07-28", shape: MODERN, connections, lines: JUDGED },
  ]),
  ...[LEGACY, MODERN].map((shape) => ({
    workload: "sse",
    title: `answers as events, ${shape.door} era`,
    shape: { ...shape, reply: "sse" } as const,
    connections: 64,
    lines: PASSING,
  })),
  {
    workload: "one-tool",
    title: "one tool only",
    shape: { ...PLAIN, tools: 1 },
    connections: 64,
    lines: ["bare", "on", "cached"],
  },
  {
    workload: "deny",
    title: "every call denied by the policy",
    shape: { ...PLAIN, denied: true },
    connections: 64,
    lines: ["bare", "on"],
  },
  ...[0, 1_000, 4_000].map((floodPerS) => ({
    workload: "flood",
    title: `${RATE} valid calls/s beside ${floodPerS} with invalid tokens`,
    shape: PLAIN,
    connections: 64,
    lines: ["on"] as const,
    ratePerS: RATE,
    floodPerS,
    timeFactor: 2,
  })),
  ...[1, 16].map((connections) => ({
    workload: "first-byte",
    title: "an event at once, the answer 5 ms later",
    shape: { ...LEGACY, reply: "trickle" } as const,
    connections,
    lines: PASSING,
  })),
  ...(["events-10m", "json-10m"] as const).map((reply) => ({
    workload: "big",
    title: reply === "events-10m" ? "10 MB of events" : "10 MB in one JSON answer",
    shape: { ...LEGACY, reply },
    connections: 4,
    lines: PASSING,
  })),
  {
    workload: "variants",
    title: "0.4 KB, with one thing done otherwise",
    shape: PLAIN,
    connections: 64,
    lines: ["bare", "on", ...VARIANT_LINES],
  },
];

/** What is not measured in windows. */
export const SPECIALS = ["start", "idle-streams", "memory"] as const;
export type Special = (typeof SPECIALS)[number];

export const WORKLOADS: readonly string[] = [
  ...new Set([...CASES.map(({ workload }) => workload), ...SPECIALS]),
];

export interface Choice {
  readonly isQuick: boolean;
  /** [] = all; a line beyond those that a workload has by itself joins the workload "lines". */
  readonly lines: readonly LineName[];
  /** [] = all. */
  readonly workloads: readonly string[];
  /** [] = as each workload has it. */
  readonly connections: readonly number[];
}

/** The cases that were asked for. Bare passthrough is in each of them that compares, being what they are compared with. */
export function chooseCases({ connections, isQuick, lines, workloads }: Choice): readonly Case[] {
  return CASES.filter(({ workload }) => workloads.length === 0 || workloads.includes(workload))
    .filter((each) => !isQuick || each.isQuick === true || workloads.length > 0)
    .filter((each) => connections.length === 0 || connections.includes(each.connections))
    .map((each) => ({ ...each, lines: linesOf(each, lines) }))
    .filter((each) => each.lines.length > 0);
}

export function chooseSpecials({ isQuick, lines, workloads }: Choice): readonly Special[] {
  if (workloads.length === 0) return isQuick || lines.length > 0 ? [] : SPECIALS;
  return SPECIALS.filter((special) => workloads.includes(special));
}

function linesOf({ lines, workload }: Case, asked: readonly LineName[]): readonly LineName[] {
  if (asked.length === 0) return lines;
  const chosen = workload === "lines" ? asked : asked.filter((line) => lines.includes(line));
  return chosen.length === 0 || workload === "flood" ? chosen : [...new Set<LineName>(["bare", ...chosen])];
}
