// The filters of a decision as one: for each class the gravest action that any of them asks for (allow < redact < block). A class that nobody
// knows is a problem, because a filter with a misspelt class would let through what it was written to stop.
import type { PiiFilter } from "@postern/contracts";
import { type CustomPattern, compileCustomPattern } from "./custom-pattern.ts";
import { CLASSES } from "./recognizers/built-in.ts";
import { type Action, createTextFilter, type TextFilter } from "./text-filter.ts";

export type FilterResult =
  | { readonly ok: true; readonly filter: TextFilter | undefined }
  | { readonly ok: false; readonly problem: string };

const CUSTOM_PATTERNS_MAX = 64;

/** `filter` is undefined when every class is allowed, so that there is nothing to look for. */
export function compileFilter(filters: readonly PiiFilter[]): FilterResult {
  const actions = new Map<string, Action>();
  const custom = new Map<string, CustomPattern>();
  for (const filter of filters.filter(({ enabled }) => enabled)) {
    const problem = addCustom(filter, custom) ?? addActions(filter, actions);
    if (problem !== undefined) return { ok: false, problem: `pii_filter: ${problem}` };
  }
  if (custom.size > CUSTOM_PATTERNS_MAX)
    return { ok: false, problem: `pii_filter: more than ${CUSTOM_PATTERNS_MAX} custom patterns` };
  const wanted = [...custom.values()].filter((pattern) => actions.has(pattern.class));
  return { ok: true, filter: actions.size === 0 ? undefined : createTextFilter({ actions, custom: wanted }) };
}

function addCustom(filter: PiiFilter, custom: Map<string, CustomPattern>): string | undefined {
  for (const { class: name, regex } of filter.custom_patterns ?? []) {
    if (CLASSES.has(name)) return `custom class "${name}" has the name of a built-in one`;
    const compiled = compileCustomPattern(name, regex);
    if ("problem" in compiled) return compiled.problem;
    custom.set(`${name} ${regex}`, compiled);
  }
  return undefined;
}

function addActions(filter: PiiFilter, actions: Map<string, Action>): string | undefined {
  const own = (filter.custom_patterns ?? []).map((pattern) => pattern.class);
  const known = new Set([...CLASSES, ...own]);
  const named = filter.patterns ?? [];
  const overrides = new Map(Object.entries(filter.per_pattern_action ?? {}));
  const unknown = [...named, ...overrides.keys()].find((name) => !known.has(name));
  if (unknown !== undefined) return `"${unknown}" is no class; known are ${[...known].sort().join(", ")}`;
  for (const name of new Set([...(named.length === 0 ? CLASSES : named), ...own])) {
    const action = overrides.get(name) ?? filter.default_action ?? "redact";
    if (action !== "allow" && actions.get(name) !== "block") actions.set(name, action);
  }
  return undefined;
}
