// What sidecars tell of the tools that they see.
import { DEFINITION_DEPTH_MAX, ToolReport, ToolReportReply } from "@postern/contracts";
import { operation } from "./context.ts";

const tools = operation({
  id: "fleet_tools",
  method: "POST",
  path: "/v1/sidecar/tools",
  summary: "Tell of tool definitions that were seen",
  description:
    "Idempotent: what is known already changes nothing. What is new or different is pinned or quarantined as the tenant's mode says, and " +
    "told to every sidecar; what is refused must not be called.",
  permission: "sidecar",
  audit: "none",
  status: 200,
  bodyBytesMax: 4 * 1_048_576,
  // A definition lies in its sighting, the list and the report.
  bodyDepthMax: DEFINITION_DEPTH_MAX + 4,
  // A definition is taken as it was written: it is what a person has to judge.
  takesAnyText: true,
  body: ToolReport,
  example: {
    body: {
      upstreams: ["bank"],
      tools: [
        {
          upstream: "bank",
          tool: "transfer_funds",
          digest: "edcd2f73a44b0b45817847479966026c4afe579c707ff49fa9fb7dc0c3e04ad2",
          definition: {
            name: "transfer_funds",
            description: "Transfers money.",
            inputSchema: { type: "object" },
          },
        },
      ],
    },
  },
  reply: ToolReportReply,
  run: async ({ body }, context) =>
    await context.work.commit((unit) => context.tools.take(unit, context.sidecar, body)),
});

export const toolReportRows = [tools];
