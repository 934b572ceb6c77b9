// What a sighting makes of a tool: the first definition may be trusted, a different one never is. Pure, so that every case is a row of a test.
import { hash } from "node:crypto";
import { canonicalize } from "@postern/audit";
import {
  DEFINITION_BYTES_MAX,
  flagsOf,
  isPinnable,
  isSuspicious,
  type JsonObject,
  type PinMode,
  type PinReason,
  pinnedPartOf,
  type ToolFlag,
  type ToolSighting,
} from "@postern/contracts";
import type { Definition, Tool } from "./model.ts";

/** What is known of a new tool besides its definition. */
export interface Situation {
  readonly mode: PinMode;
  /** Another upstream of the same sidecar has an approved tool of this name. */
  readonly isShadowed: boolean;
}

/** The definition of a sighting; undefined when it contradicts itself. */
export function readSighting({ tool, digest, definition }: ToolSighting): Definition | undefined {
  if (definition === undefined)
    return { digest, definition: null, flags: [...flagsOf(tool, {}), "too_large"] };
  const offered: JsonObject = definition;
  if (offered.name !== tool || !isPinnable(offered)) return undefined;
  const text = canonicalize(pinnedPartOf(offered));
  if (hash("sha256", text, "hex") !== digest) return undefined;
  const flags = flagsOf(tool, offered);
  if (Buffer.byteLength(text) <= DEFINITION_BYTES_MAX) return { digest, definition: text, flags };
  return { digest, definition: null, flags: [...flags, "too_large"] };
}

/** Why a tool that was never seen waits; undefined = it is pinned as it is. */
export function holdingReason(
  { mode, isShadowed }: Situation,
  flags: readonly ToolFlag[],
): PinReason | undefined {
  if (isShadowed) return "pin.shadowed";
  return mode === "approve_all" || isSuspicious(flags) ? "pin.unapproved" : undefined;
}

/** What a known tool becomes when this definition is seen; undefined = what it was. */
export function afterSighting(tool: Tool, { digest, flags }: Definition): Tool | undefined {
  if (tool.digests.includes(digest) || tool.candidate === digest) return undefined;
  const waiting = { ...tool, candidate: digest, flags };
  return tool.status === "pinned" ? { ...waiting, status: "quarantined", reason: "pin.changed" } : waiting;
}
