// What a tool may answer: its structured content fits a schema, and the text beside it says nothing else. An answer that brings no such
// content is a violation, errors included, unless the policy lets errors pass: otherwise an upstream would only have to call its answer one.
import type { JsonObject, JsonValue } from "@postern/contracts";
import { DEPTH_MAX, isList, isObject } from "./filter-value.ts";
import type { Pass } from "./pass.ts";
import { schemaProblem } from "./schema-form.ts";
import { createStripper, type Stripper } from "./schema-strip.ts";
import { compileValidator, type Validator } from "./schema-validator.ts";
import { CONTENT, isMirror, readJson, textOf } from "./text-mirror.ts";

export const OUTPUT_SCHEMA = "output_schema";

export interface OutputSchema {
  readonly validator: Validator;
  /** Present when what the schema does not describe is removed before it is validated. */
  readonly stripper: Stripper | undefined;
  /** Whether the JSON in the only text item stands in for structured content that is missing. */
  readonly readsText: boolean;
  /** Whether content that does not write out the structured content stays. */
  readonly keepsContent: boolean;
  readonly letsErrorsPass: boolean;
}

export type OutputSchemaResult =
  | { readonly ok: true; readonly schema: OutputSchema }
  | { readonly ok: false; readonly problem: string };

/** From the obligation's parameters: schema, action ("block"), target ("structuredContent"), content ("mirror"), errors ("block"). */
export function compileOutputSchema(parameters: JsonObject): OutputSchemaResult {
  const {
    schema = null,
    action = "block",
    target = CONTENT,
    content = "mirror",
    errors = "block",
    ...others
  } = parameters;
  const problem =
    unknownProblem(others) ??
    choiceProblem("action", action, ["block", "strip"]) ??
    choiceProblem("target", target, [CONTENT, "text"]) ??
    choiceProblem("content", content, ["mirror", "keep"]) ??
    choiceProblem("errors", errors, ["block", "pass"]);
  if (problem !== undefined) return { ok: false, problem };
  const badSchema = schemaProblem(schema);
  if (badSchema !== undefined) return { ok: false, problem: `the schema ${badSchema}` };
  if (typeof schema !== "boolean" && !isObject(schema))
    return { ok: false, problem: "the schema is missing" };
  const compiled = compileValidator(schema);
  if (!compiled.ok) return { ok: false, problem: `the schema is not valid: ${compiled.problem}` };
  return {
    ok: true,
    schema: {
      validator: compiled.validator,
      stripper: action === "strip" ? createStripper(schema) : undefined,
      readsText: target === "text",
      keepsContent: content === "keep",
      letsErrorsPass: errors === "pass",
    },
  };
}

export function unknownProblem(others: JsonObject): string | undefined {
  const [unknown] = Object.keys(others);
  return unknown === undefined ? undefined : `the parameter "${unknown}" is unknown`;
}

function choiceProblem(name: string, value: JsonValue, choices: readonly string[]): string | undefined {
  const isChoice = typeof value === "string" && choices.includes(value);
  return isChoice ? undefined : `${name} is not one of ${choices.join(", ")}`;
}

/** The message as the schema lets it through, or in a sentence why it does not. */
export function applyOutputSchema(
  message: JsonObject,
  schema: OutputSchema,
  pass: Pass,
): { readonly message: JsonObject } | { readonly violation: string } {
  const { result, error } = message;
  if (error !== undefined)
    return schema.letsErrorsPass ? { message } : violation("The tool reported an error.");
  if (result === undefined) return { message };
  if (!isObject(result)) return violation("The result is no object.");
  if (isUnfinished(result)) return { message };
  if (result.isError === true && result[CONTENT] === undefined) {
    return schema.letsErrorsPass ? { message } : violation("The tool reported an error.");
  }
  const value = result[CONTENT] ?? (schema.readsText ? onlyJson(result) : undefined);
  if (value === undefined) return violation("The answer has no structured content.");
  if (isDeeperThan(value, DEPTH_MAX)) return violation("The answer is nested too deeply.");
  const kept = schema.stripper?.strip(value, () => pass.note(OUTPUT_SCHEMA, "property", "strip")) ?? value;
  const why = schema.validator.violationOf(kept);
  if (why !== undefined) return violation(`It fails ${why}.`);
  const fitted = fit(result, value, kept, schema, pass);
  return { message: fitted === result ? message : { ...message, result: fitted } };
}

const violation = (sentence: string) => ({ violation: sentence });

/** A question back to the user or a task that is still running: no answer yet, as long as it brings no content. */
function isUnfinished(result: JsonObject): boolean {
  const isLater = ["input_required", "task"].includes(String(result.resultType)) || isObject(result.task);
  return isLater && result.content === undefined && result[CONTENT] === undefined;
}

function onlyJson(result: JsonObject): JsonValue | undefined {
  const content = result.content;
  const text = isList(content) && content.length === 1 ? textOf(content[0]) : undefined;
  return text === undefined ? undefined : readJson(text);
}

const ENVELOPE = new Set(["_meta", "content", "isError", "resultType", CONTENT]);

/** The result with `kept` as its structured content, and with content that says the same. */
function fit(
  result: JsonObject,
  value: JsonValue,
  kept: JsonValue,
  schema: OutputSchema,
  pass: Pass,
): JsonObject {
  const items = isList(result.content) ? result.content : [];
  const alien = schema.keepsContent ? [] : Object.keys(result).filter((name) => !ENVELOPE.has(name));
  if (alien.length > 0) pass.note(OUTPUT_SCHEMA, "property", "strip", alien.length);
  const content = schema.keepsContent
    ? items.map((item) => writtenAnew(item, value, kept))
    : mirrored(items, value, kept, pass);
  const isSame = content.length === items.length && content.every((item, at) => item === items[at]);
  if (kept === value && alien.length === 0 && isSame && isListOrAbsent(result.content)) return result;
  const envelope = Object.fromEntries(Object.entries(result).filter(([name]) => !alien.includes(name)));
  return { ...envelope, content, ...(result[CONTENT] !== undefined && { [CONTENT]: kept }) };
}

const isListOrAbsent = (content: JsonValue | undefined): boolean => content === undefined || isList(content);

function mirrored(
  items: readonly JsonValue[],
  value: JsonValue,
  kept: JsonValue,
  pass: Pass,
): readonly JsonValue[] {
  const strangers = items.filter((item) => !isMirror(item, value));
  if (strangers.length > 0) pass.note(OUTPUT_SCHEMA, "content", "strip", strangers.length);
  const [item] = items;
  if (item !== undefined && items.length === 1 && isExactly(item, kept)) return items;
  return items.length === 0 ? items : [{ type: "text", text: JSON.stringify(kept) }];
}

const writtenAnew = (item: JsonValue, value: JsonValue, kept: JsonValue): JsonValue =>
  isObject(item) && isMirror(item, value) && !isExactly(item, kept)
    ? { ...item, text: JSON.stringify(kept) }
    : item;

/** Whether a text item is `value` as we would write it, so that no reader can find more in it: a key given twice, for one. */
function isExactly(item: JsonValue, value: JsonValue): boolean {
  const text = textOf(item);
  const isBare = isObject(item) && Object.keys(item).length === 2;
  return isBare && (text === JSON.stringify(value) || text === JSON.stringify(value, null, 2));
}

export function isDeeperThan(value: JsonValue, depthMax: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return depthMax === 0 || Object.values(value).some((child) => isDeeperThan(child, depthMax - 1));
}
