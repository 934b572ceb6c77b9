// Regular expressions from a policy, on an engine whose time grows with the text and never explodes with it (RE2). The engine is loaded when
// the first policy asks for one, because most never do.
import { createRequire } from "node:module";

const load = createRequire(import.meta.url);

/** Instructions of a compiled expression; 512 characters of source can ask for many more through counted repetition. */
const PROGRAM_SIZE_MAX = 2_000;

type Engine = typeof import("re2js");
export type LinearPattern = ReturnType<Engine["RE2JS"]["compile"]>;

export type PatternResult =
  | { readonly ok: true; readonly pattern: LinearPattern }
  | { readonly ok: false; readonly problem: string };

/** RE2 syntax: no look-around and no back-references. The problem is safe to show. */
export function compilePattern(source: string): PatternResult {
  const { RE2JS } = load("re2js") as Engine;
  try {
    const pattern = RE2JS.compile(source);
    if (pattern.programSize() > PROGRAM_SIZE_MAX)
      return { ok: false, problem: "the expression is too large" };
    return { ok: true, pattern };
  } catch (caught) {
    return {
      ok: false,
      problem: caught instanceof Error ? caught.message : "the expression cannot be compiled",
    };
  }
}

/** As `compilePattern`, for an expression in the dialect of ECMAScript, as JSON Schema has them. */
export function compileSchemaPattern(source: string): PatternResult {
  const { RE2JS } = load("re2js") as Engine;
  return compilePattern(RE2JS.translateRegExp(source));
}
