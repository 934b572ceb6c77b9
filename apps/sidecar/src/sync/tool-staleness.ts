// How long tools may be used on state that nobody has confirmed: a bound for each class of tools, so that what does the most harm stops first
// when a sidecar is cut off, and what does none may go on for longer. A tool in several classes has the smallest of their bounds, and one in
// none the general one.
import { matchGlob } from "@postern/capability";
import { ToolGlob } from "@postern/contracts";
import { z } from "zod";

export interface ToolStaleness {
  readonly glob: string;
  readonly boundMs: number;
}

export interface StalenessBounds {
  /** No tool has a smaller one. */
  readonly leastMs: number;
  boundMs(tool: string | undefined): number;
}

/** Of any bound, the general one too. */
export const STALENESS_MS = { min: 2_000, max: 3_600_000 };
const CLASSES_MAX = 64;
/** No glob can be said not to match a longer name in reasonable time, so it has the smallest bound of all. */
const MATCHED_CHARS_MAX = 512;

export function createStalenessBounds(generalMs: number, classes: readonly ToolStaleness[]): StalenessBounds {
  const leastMs = Math.min(generalMs, ...classes.map(({ boundMs }) => boundMs));
  return {
    leastMs,
    boundMs(tool) {
      if (tool === undefined) return generalMs;
      if (tool.length > MATCHED_CHARS_MAX) return leastMs;
      const own = classes.filter(({ glob }) => matchGlob(glob, tool));
      return own.length === 0 ? generalMs : Math.min(...own.map(({ boundMs }) => boundMs));
    },
  };
}

/** Classes as a setting has them: "read_*=60s,delete_*=5s", each a glob and a bound in ms, s or m. */
export const toolStaleness = () =>
  z.string().transform((text, context): readonly ToolStaleness[] => {
    const words = text.split(",").map((word) => word.trim());
    const classes = words.filter((word) => word !== "").map(readClass);
    const isRead = classes.every((each) => each !== undefined);
    if (isRead && classes.length <= CLASSES_MAX) return classes;
    const { min, max } = STALENESS_MS;
    const bounds = `bounds of ${min / 1_000} s to ${max / 60_000} m`;
    const message = `must be up to ${CLASSES_MAX} classes such as read_*=60s,delete_*=5s, with ${bounds}`;
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  });

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000 };

function readClass(word: string): ToolStaleness | undefined {
  const [, glob = "", amount = "", unit = ""] = /^(.+?)\s*=\s*(\d{1,7})(ms|s|m)$/u.exec(word) ?? [];
  if (!ToolGlob.safeParse(glob).success) return undefined;
  const boundMs = Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS];
  return boundMs >= STALENESS_MS.min && boundMs <= STALENESS_MS.max ? { glob, boundMs } : undefined;
}
