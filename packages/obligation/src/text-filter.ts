// Replaces what was found in a text by markers, or says that the text may not pass. Overlapping findings become one, so that no rest of the
// smaller one stays; the gravest class names it, then the longest. Filtering a filtered text changes nothing more: markers are never looked
// into, and a text is looked at until nothing is found in it.
import { type CustomPattern, findCustom } from "./custom-pattern.ts";
import { createFinder, type Match } from "./finder.ts";
import { type FoldedText, foldText } from "./folded-text.ts";
import type { Pass } from "./pass.ts";
import type { Span } from "./recognizer.ts";
import { NUMBER_CLASSES, RECOGNIZERS } from "./recognizers/built-in.ts";
import { classUnderName } from "./recognizers/named-secret.ts";

export const FILTER = "pii_filter";

export type Action = "redact" | "block";

export interface FilterRules {
  /** What to do with each class that is looked for. */
  readonly actions: ReadonlyMap<string, Action>;
  readonly custom: readonly CustomPattern[];
}

export interface TextFilter {
  /**
   * The text as it may be sent, the same string when nothing was found. `name` is that of the property which holds it. Findings are noted in
   * `pass`; once it is blocked, what is returned means nothing.
   */
  filterText(text: string, name: string | undefined, pass: Pass): string;
  /** Likewise for a number, read as it is written in JSON; the same text when nothing was found. */
  filterNumber(text: string, name: string | undefined, pass: Pass): string;
}

/** Looks at one text. Only an expression that finds something new beside every marker needs more than two. */
const ROUNDS_MAX = 4;
const BINARY_LENGTH_MIN = 256;

export function createTextFilter({ actions, custom }: FilterRules): TextFilter {
  const active = RECOGNIZERS.filter((recognizer) => actions.has(recognizer.class));
  const finder = createFinder(active);
  const numberFinder = createFinder(active.filter((recognizer) => NUMBER_CLASSES.has(recognizer.class)));
  const markers = [...actions.keys(), ...custom.map((pattern) => pattern.class)].map(markerOf);
  const gravity = (name: string) => (actions.get(name) === "block" ? 1 : 0);

  function findIn(text: string, name: string | undefined, by: typeof finder, pass: Pass): readonly Match[] {
    const found = by.find(text);
    const folded = found === undefined ? foldText(text) : undefined;
    const named = name === undefined ? undefined : classUnderName(name, text);
    const isNamed = named !== undefined && actions.has(named);
    if (found?.length === 0 && !isNamed && custom.length === 0) return found;
    const all =
      folded === undefined
        ? [...(found ?? [])]
        : by.findFolded(folded.text).map((match) => unfold(match, folded));
    if (isNamed) all.push({ class: named, start: 0, end: text.length });
    if (custom.length > 0 && !isBinary(name, text)) {
      for (const pattern of custom) findCustom(pattern, text, folded, pass, all);
    }
    return all.length === 0 ? all : outside(merge(all, gravity), markersIn(text, markers));
  }

  function filter(text: string, name: string | undefined, by: typeof finder, pass: Pass): string {
    let current = text;
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      const matches = findIn(current, name, by, pass);
      if (matches.length === 0) return current;
      for (const match of matches) pass.note(FILTER, match.class, actions.get(match.class) ?? "block");
      if (pass.isBlocked) return current;
      const [first] = matches;
      if (first !== undefined && round === ROUNDS_MAX - 1) return markerOf(first.class);
      current = rewrite(current, matches);
    }
    return current;
  }

  return {
    filterText: (text, name, pass) => filter(text, name, finder, pass),
    filterNumber: (text, name, pass) => filter(text, name, numberFinder, pass),
  };
}

const unfold = (match: Match, folded: FoldedText): Match => ({
  class: match.class,
  start: folded.startOf(match.start),
  end: folded.endOf(match.end),
});

const markerOf = (name: string): string => `[REDACTED:${name}]`;

/** Images and files, where an expression of the policy would find what is not there and break them. */
const isBinary = (name: string | undefined, text: string): boolean =>
  (name === "data" || name === "blob") &&
  text.length >= BINARY_LENGTH_MIN &&
  /^[A-Za-z0-9+/]+={0,2}$/.test(text);

/** Overlapping matches joined, in order. */
function merge(found: Match[], gravity: (name: string) => number): Match[] {
  found.sort((a, b) => a.start - b.start || b.end - a.end || (a.class < b.class ? -1 : 1));
  const merged: Match[] = [];
  let winner: Match | undefined;
  let end = 0;
  let start = 0;
  const length = (match: Match) => match.end - match.start;
  const close = () => winner && merged.push({ class: winner.class, start, end });
  for (const match of found) {
    if (winner === undefined || match.start >= end) {
      close();
      winner = match;
      ({ start, end } = match);
      continue;
    }
    end = Math.max(end, match.end);
    const difference = gravity(match.class) - gravity(winner.class) || length(match) - length(winner);
    if (difference > 0) winner = match;
  }
  close();
  return merged;
}

function markersIn(text: string, markers: readonly string[]): Span[] {
  const spans: Span[] = [];
  for (let start = text.indexOf("[REDACTED"); start !== -1; start = text.indexOf("[REDACTED", start + 1)) {
    const marker = markers.find((candidate) => text.startsWith(candidate, start));
    if (marker !== undefined) spans.push({ start, end: start + marker.length });
    else if (text.startsWith("[REDACTED]", start)) spans.push({ start, end: start + "[REDACTED]".length });
  }
  return spans;
}

/** The parts of the matches that no marker covers. Both lists are in order and neither overlaps itself. */
function outside(matches: Match[], markers: readonly Span[]): Match[] {
  if (markers.length === 0) return matches;
  const parts: Match[] = [];
  let next = 0;
  for (const { class: name, start: from, end } of matches) {
    let start = from;
    for (let marker = markers[next]; marker !== undefined && marker.start < end; marker = markers[next]) {
      if (marker.start > start) parts.push({ class: name, start, end: marker.start });
      start = Math.max(start, marker.end);
      if (marker.end > end) break;
      next += 1;
    }
    if (start < end) parts.push({ class: name, start, end });
  }
  return parts;
}

function rewrite(text: string, matches: readonly Match[]): string {
  let written = "";
  let from = 0;
  for (const { class: name, start, end } of matches) {
    written += text.slice(from, start) + markerOf(name);
    from = end;
  }
  return written + text.slice(from);
}
