// How a tool looks on the wire.
import { Identifier, PinReason, Sha256Hex, ToolFlag, ToolStatus } from "@postern/contracts";
import { z } from "zod";
import type { Tool, ToolInDetail } from "../../domain/tools/model.ts";

const text = z.string();
const instant = z.iso.datetime();
const definition = z.record(z.string(), z.json());

export const ToolView = z.strictObject({
  id: Identifier,
  tenant: text,
  upstream: text,
  name: text,
  status: ToolStatus,
  held_by: PinReason.optional().describe("Why it is held back; absent when it is not."),
  approved_digests: z.array(Sha256Hex).describe("Definitions that may be used, the latest last."),
  waiting_digest: Sha256Hex.optional().describe("The definition that waits for approval."),
  flags: z.array(ToolFlag).describe("What to look at before approving."),
  approved_by_person: z.boolean().describe("Whether a person approved it, and not the first sight of it."),
  first_seen_at: instant,
  last_seen_at: instant.describe("When a sidecar told of it last; each does once after it has started."),
  seen_by: text.describe("The sidecar that told of it last."),
  decided_by: text.describe('"" while nobody has decided.'),
  decided_at: instant.optional(),
  decision_reason: text,
});

export function toolView(tool: Tool): z.input<typeof ToolView> {
  return {
    ...{ id: tool.id, tenant: tool.tenant, upstream: tool.upstream, name: tool.name, status: tool.status },
    ...(tool.status === "pinned" ? {} : { held_by: tool.reason }),
    approved_digests: [...tool.digests],
    ...(tool.candidate === null ? {} : { waiting_digest: tool.candidate }),
    flags: [...tool.flags],
    approved_by_person: tool.explicit,
    first_seen_at: tool.firstSeenAt.toISOString(),
    last_seen_at: tool.lastSeenAt.toISOString(),
    seen_by: tool.seenBy,
    decided_by: tool.decidedBy,
    ...(tool.decidedAt === null ? {} : { decided_at: tool.decidedAt.toISOString() }),
    decision_reason: tool.decisionReason,
  };
}

export const ToolDetailView = ToolView.extend({
  approved: definition
    .optional()
    .describe("The definition approved last; absent when it was too large to be kept."),
  waiting: definition
    .optional()
    .describe("The definition that waits; absent when it was too large to be kept."),
  differences: z
    .array(
      z.strictObject({
        pointer: text.describe("JSON Pointer of the place that differs."),
        before: z.json().optional().describe("What is approved there; absent where something is added."),
        after: z.json().optional().describe("What waits there; absent where something is removed."),
      }),
    )
    .optional()
    .describe("From what is approved to what waits, when both are known."),
  differences_whole: z.boolean().optional().describe("False when there are more than are told."),
});

export function toolDetailView(tool: ToolInDetail): z.input<typeof ToolDetailView> {
  const { approved, waiting, differences } = tool;
  return JSON.parse(
    JSON.stringify({
      ...toolView(tool),
      approved,
      waiting,
      differences: differences?.items,
      differences_whole: differences?.isWhole,
    }),
  ) as z.input<typeof ToolDetailView>;
}
