// A tool object of a list answer, read once: what it is called, what its digest is, and whether somebody should look at it first.
import { hash } from "node:crypto";
import { canonicalize } from "@postern/audit";
import {
  DEFINITION_BYTES_MAX,
  flagsOf,
  isPinnable,
  isSuspicious,
  type JsonObject,
  pinnedPartOf,
  ToolName,
  type ToolSighting,
} from "@postern/contracts";

/** The definition that an upstream offers now. */
export interface Seen {
  /** "" when it has none: such a definition is never usable. */
  readonly digest: string;
  /** Must be approved by a person even where the first definition seen is trusted. */
  readonly suspicious: boolean;
}

export interface Definition {
  readonly name: string;
  readonly seen: Seen;
  /** What its digest is of; undefined when there is none. */
  readonly text: string | undefined;
}

/** undefined when the object has no name under which a tool could be pinned. */
export function readDefinition(tool: JsonObject): Definition | undefined {
  const { name } = tool;
  if (typeof name !== "string" || !isToolName(name)) return undefined;
  if (!isPinnable(tool)) return { name, seen: { digest: "", suspicious: true }, text: undefined };
  const text = canonicalize(pinnedPartOf(tool));
  const suspicious = isLarge(text) || isSuspicious(flagsOf(name, tool));
  return { name, seen: { digest: hash("sha256", text, "hex"), suspicious }, text };
}

/** What the control plane is told; undefined when there is no digest to tell. */
export function sightingOf(upstream: string, { name, seen, text }: Definition): ToolSighting | undefined {
  if (text === undefined) return undefined;
  const bare = { upstream, tool: name, digest: seen.digest };
  return isLarge(text) ? bare : { ...bare, definition: JSON.parse(text) as ToolSighting["definition"] };
}

const isLarge = (text: string): boolean => Buffer.byteLength(text) > DEFINITION_BYTES_MAX;

export const isToolName = (name: string): boolean => ToolName.safeParse(name).success;
