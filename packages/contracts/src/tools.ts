// Tools as upstreams offer them, and what is pinned of them: a definition is known by its digest, and what a person would not see in it is
// flagged. A pin names a tool by its upstream and its name; upstream names are the tenant's own, the same on each of its sidecars.
import { z } from "zod";
import { Sha256Hex } from "./ids.ts";
import type { JsonObject, JsonValue } from "./json.ts";

/** Name of a tool server, as the configuration of the sidecars has it and as paths, policies and pins use it. */
export const UpstreamName = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9_-]{0,62})$/, "must be 1 to 63 lower-case letters, digits, - or _");

/** Name of a tool that can be pinned: 1 to 256 characters, none of them a control character. A tool of another name is never offered. */
export const ToolName = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, "must not hold control characters");

/**
 * trust_first: the first definition seen is pinned, another one waits for approval · approve_all: every definition waits for approval ·
 * off: what is seen is noted, and nothing is held back.
 */
export const PinMode = z.enum(["trust_first", "approve_all", "off"]);
export type PinMode = z.infer<typeof PinMode>;

/**
 * pinned: the approved definitions pass · quarantined: a definition waits for approval; approved ones that were seen here still pass ·
 * blocked: a person took the tool out of use, whatever its definition.
 */
export const ToolStatus = z.enum(["pinned", "quarantined", "blocked"]);
export type ToolStatus = z.infer<typeof ToolStatus>;

/** Why a tool that is not pinned waits. */
export const PinReason = z.enum(["pin.changed", "pin.unapproved", "pin.shadowed"]);
export type PinReason = z.infer<typeof PinReason>;

/**
 * invisible_unicode: some text of it holds characters that nobody sees · unprintable_name: its name does ·
 * too_large: it was too large to be kept, so that only its digest is known · unusual_name: other characters than the specification recommends.
 */
export const ToolFlag = z.enum(["invisible_unicode", "unprintable_name", "too_large", "unusual_name"]);
export type ToolFlag = z.infer<typeof ToolFlag>;

/** Most definitions of one tool that may be approved at once: an old and a new release side by side, or one for each protocol era. */
export const PINNED_DEFINITIONS_MAX = 4;

/** What a sidecar must know of one tool. */
export const ToolPin = z.strictObject({
  upstream: UpstreamName,
  tool: ToolName,
  status: ToolStatus,
  /** Approved definitions. */
  digests: z.array(Sha256Hex).max(PINNED_DEFINITIONS_MAX),
  /** Counts while `status` is not "pinned". */
  reason: PinReason,
  /** A person approved it, so it may share its name with another upstream's tool. */
  explicit: z.boolean(),
  /** Version of the tenant's pins at which it was pinned first; 0 = never. Of two tools of one name the earlier one has it. */
  since: z.int().min(0),
});
export type ToolPin = z.infer<typeof ToolPin>;

/** Pins in one signed state: the largest ones fit in what a sidecar takes. */
export const PINS_PER_STATE = 1_000;

/** Canonical bytes of a definition that is kept; of a larger one only the digest is. */
export const DEFINITION_BYTES_MAX = 65_536;
/** Objects and arrays within one another in a definition. */
export const DEFINITION_DEPTH_MAX = 64;

/** A definition that a sidecar saw. `definition` is absent when it is too large to be kept. */
export const ToolSighting = z.strictObject({
  upstream: UpstreamName,
  tool: ToolName,
  digest: Sha256Hex,
  definition: z.record(z.string(), z.json()).optional(),
});
export type ToolSighting = z.infer<typeof ToolSighting>;

/** POST /v1/sidecar/tools. Idempotent: what is known already changes nothing. */
export const ToolReport = z.strictObject({
  /** Every upstream of the sidecar: two of them that offer one name are told apart here. */
  upstreams: z.array(UpstreamName).min(1).max(256),
  tools: z.array(ToolSighting).min(1).max(256),
});
export type ToolReport = z.infer<typeof ToolReport>;

/** What was not taken into the inventory, because it is full or the sighting contradicts itself: such a tool must not be called. */
export const ToolReportReply = z.strictObject({
  refused: z.array(z.strictObject({ upstream: UpstreamName, tool: ToolName })).max(256),
});
export type ToolReportReply = z.infer<typeof ToolReportReply>;

/**
 * What of a tool object its digest covers: all of it, `_meta` and unknown members too, but for `execution`. That one says how a call may be
 * run, and the protocol eras disagree about it: the same server has it in one and must leave it out in the other.
 */
export function pinnedPartOf(tool: JsonObject): JsonObject {
  if (!Object.hasOwn(tool, "execution")) return tool;
  const { execution: _, ...pinned } = tool;
  return pinned;
}

// Format characters (zero-width, bidi controls, soft hyphen, tags U+E0000…), line separators, private use and unassigned characters,
// control characters other than tab and line ends, and letters that are drawn as nothing. A variation selector after a character is how
// emoji are written; two in a row spell something.
const INVISIBLE =
  /[\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0]|\u034f|\u17b4|\u17b5|(?![\t\n\r])\p{Cc}|(?:^|\p{Variation_Selector})\p{Variation_Selector}/u;
// A zero-width joiner between two pictures makes one picture of them.
const JOINED_PICTURES =
  /(?<=\p{Extended_Pictographic}|\p{Emoji_Modifier}|\ufe0f)\u200d(?=\p{Extended_Pictographic})/gu;
/** MCP 2025-11-25 and later, Tool Names. */
const USUAL_NAME = /^[A-Za-z0-9_.\-/]{1,128}$/;

/** Whether a text holds characters that nobody sees. */
export function isHiding(text: string): boolean {
  return INVISIBLE.test(text) && INVISIBLE.test(text.replace(JOINED_PICTURES, ""));
}

/** Whether a definition has a canonical form, and so a digest: a lone surrogate or a number beyond all bounds has none. */
export function isPinnable(tool: JsonObject): boolean {
  return isCanonical(tool, 0);
}

/** What a person should know before approving. Keys count as texts, as schemas have them. The tool must be pinnable. */
export function flagsOf(name: string, tool: JsonObject): ToolFlag[] {
  const flags: ToolFlag[] = [];
  if (someText(tool, isHiding)) flags.push("invisible_unicode");
  if (isHiding(name) || name !== name.trim()) flags.push("unprintable_name");
  if (!USUAL_NAME.test(name)) flags.push("unusual_name");
  return flags;
}

/** Whether a definition with these flags must be approved by a person even where the first one seen is trusted. */
export function isSuspicious(flags: readonly ToolFlag[]): boolean {
  return flags.some((flag) => flag !== "unusual_name");
}

function isCanonical(value: JsonValue, depth: number): boolean {
  if (typeof value === "string") return value.isWellFormed();
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || value === null) return true;
  if (depth === DEFINITION_DEPTH_MAX) return false;
  if (Array.isArray(value)) return value.every((item) => isCanonical(item, depth + 1));
  return Object.entries(value).every(([key, inner]) => key.isWellFormed() && isCanonical(inner, depth + 1));
}

function someText(value: JsonValue, is: (text: string) => boolean): boolean {
  if (typeof value === "string") return is(value);
  if (typeof value !== "object" || value === null) return false;
  if (Array.isArray(value)) return value.some((item) => someText(item, is));
  return Object.entries(value).some(([key, inner]) => is(key) || someText(inner, is));
}
