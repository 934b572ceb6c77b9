// A policy's own class of data: an expression, looked for in the text as it is and as it is folded. One look for one match is linear, but
// looking for all of them need not be: `x.*y|x` reads to the end of the text for every x. So what is read again is charged to the message,
// and when that is spent, a text with any match counts as one match altogether.
import type { Match } from "./finder.ts";
import type { FoldedText } from "./folded-text.ts";
import { compilePattern, type LinearPattern } from "./linear-pattern.ts";
import type { Pass } from "./pass.ts";

export interface CustomPattern {
  readonly class: string;
  readonly pattern: LinearPattern;
  /** Whether a match may be of any length, which is what can make the search for all matches slow. */
  readonly isUnbounded: boolean;
}

const CLASS_NAME = /^[a-z][a-z0-9_]{0,63}$/;

export function compileCustomPattern(
  name: string,
  regex: string,
): CustomPattern | { readonly problem: string } {
  if (!CLASS_NAME.test(name)) return { problem: `"${name}" is not a name of small letters, digits and "_"` };
  const compiled = compilePattern(regex);
  if (!compiled.ok) return { problem: `regex of "${name}": ${compiled.problem}` };
  const isUnbounded = /[*+]|\{\d+,\}/.test(regex);
  return { class: name, pattern: compiled.pattern, isUnbounded };
}

/** Adds the matches of `custom` in the original text; `folded` is undefined when the text is ASCII. */
export function findCustom(
  custom: CustomPattern,
  original: string,
  folded: FoldedText | undefined,
  pass: Pass,
  found: Match[],
): void {
  for (const { start, end } of findAll(custom, original, pass))
    found.push({ class: custom.class, start, end });
  if (folded === undefined) return;
  for (const { start, end } of findAll(custom, folded.text, pass)) {
    found.push({ class: custom.class, start: folded.startOf(start), end: folded.endOf(end) });
  }
}

function findAll(
  { pattern, isUnbounded }: CustomPattern,
  text: string,
  pass: Pass,
): { start: number; end: number }[] {
  const matcher = pattern.matcher(text);
  const spans: { start: number; end: number }[] = [];
  while (matcher.find()) {
    const span = { start: matcher.start(), end: matcher.end() };
    if (span.end > span.start) spans.push(span);
    if (isUnbounded) pass.extraCharacters -= text.length - span.end;
    if (pass.extraCharacters < 0) return [{ start: 0, end: text.length }];
  }
  return spans;
}
