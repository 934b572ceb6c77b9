// A definition as a sidecar tells of it.
import { hash } from "node:crypto";
import { canonicalize } from "@postern/audit";
import { type JsonObject, pinnedPartOf, type ToolSighting } from "@postern/contracts";

export function digestOf(definition: JsonObject): string {
  return hash("sha256", canonicalize(pinnedPartOf(definition)), "hex");
}

export function sightingOf(upstream: string, definition: JsonObject & { name: string }): ToolSighting {
  const copy = JSON.parse(JSON.stringify(definition)) as ToolSighting["definition"];
  return { upstream, tool: definition.name, digest: digestOf(definition), definition: copy };
}
