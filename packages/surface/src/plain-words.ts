// What is wrong with a value, in words for the person who sent it. A schema's own message goes first; no sentence quotes the value, for it
// may be a secret.
import type { z } from "zod";

/** The sentence's end, after the path: "must not be empty". undefined = the schema library's own words. */
export function plainWords(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      return issue.input === undefined ? "is required" : `must be ${named(issue.expected)}`;
    case "too_small":
      return issue.minimum === 1 && issue.origin !== "number"
        ? "must not be empty"
        : `must ${bound(issue.origin)} at least ${issue.minimum}${unit(issue.origin)}`;
    case "too_big":
      return `must ${bound(issue.origin)} at most ${issue.maximum}${unit(issue.origin)}`;
    case "invalid_value":
      return `must be ${issue.values.map((value) => JSON.stringify(value)).join(" or ")}`;
    case "invalid_union":
      return issue.discriminator === undefined ? "has none of the allowed forms" : "is not a known kind";
    case "invalid_format":
      return issue.format === "datetime" ? "must be an instant such as 2026-01-31T12:00:00Z" : undefined;
    default:
      return undefined;
  }
}

const NAMES: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
};

function named(type: string): string {
  return NAMES[type] ?? `of type ${type}`;
}

function bound(origin: string): string {
  return origin === "string" || origin === "array" ? "have" : "be";
}

function unit(origin: string): string {
  return origin === "string" ? " characters" : origin === "array" ? " items" : "";
}
