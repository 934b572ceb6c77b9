// What changed between two definitions, place by place, so that a person approves a change and not a digest.
import type { JsonValue } from "@postern/contracts";

/** A JSON Pointer (RFC 6901) and what stands there: `before` is absent where something was added, `after` where it was removed. */
export interface Difference {
  readonly pointer: string;
  readonly before?: JsonValue;
  readonly after?: JsonValue;
}

/** Differences that are told; two definitions of the largest size may have tens of thousands. */
const DIFFERENCES_MAX = 1_000;

/** In the order of the members' names; items of arrays are compared by their place. */
export function differencesOf(
  before: JsonValue,
  after: JsonValue,
): { items: readonly Difference[]; isWhole: boolean } {
  const items: Difference[] = [];
  compare(before, after, "", items);
  return { items: items.slice(0, DIFFERENCES_MAX), isWhole: items.length <= DIFFERENCES_MAX };
}

function compare(
  before: JsonValue | undefined,
  after: JsonValue | undefined,
  pointer: string,
  found: Difference[],
): void {
  if (before === after || found.length > DIFFERENCES_MAX) return;
  const sides = [membersOf(before), membersOf(after)] as const;
  const [left, right] = sides;
  if (left === undefined || right === undefined || Array.isArray(before) !== Array.isArray(after)) {
    const told = {
      pointer,
      ...(before === undefined ? {} : { before }),
      ...(after === undefined ? {} : { after }),
    };
    found.push(told);
    return;
  }
  const isList = Array.isArray(before);
  const names = [...new Set([...left.keys(), ...right.keys()])];
  for (const name of isList ? names : names.sort())
    compare(left.get(name), right.get(name), `${pointer}/${escaped(name)}`, found);
}

function membersOf(value: JsonValue | undefined): ReadonlyMap<string, JsonValue> | undefined {
  return typeof value === "object" && value !== null ? new Map(Object.entries(value)) : undefined;
}

const escaped = (name: string): string => name.replaceAll("~", "~0").replaceAll("/", "~1");
