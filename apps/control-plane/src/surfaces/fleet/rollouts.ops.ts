// What sidecars count of a rollout.
import { Identifier, RolloutReport, RolloutReportReply } from "@postern/contracts";
import { z } from "zod";
import { operation } from "./context.ts";

const report = operation({
  id: "fleet_rollout_report",
  method: "POST",
  path: "/v1/sidecar/rollouts/{id}/report",
  summary: "Tell what was counted of a rollout since this boot",
  description: "Counts of one boot only rise, so a report that is repeated, or comes late, changes nothing.",
  permission: "sidecar",
  audit: "none",
  status: 200,
  replies: { 404: "There is no such rollout.", 409: "The epoch was not granted to this sidecar." },
  params: z.strictObject({ id: Identifier }),
  body: RolloutReport,
  example: {
    body: {
      epoch: 1,
      takes_part: true,
      loaded: true,
      compared: 10,
      skipped: 0,
      load_failures: 0,
      active: { allowed: 9, blocked: 1, escalated: 0 },
      candidate: { allowed: 8, blocked: 2, escalated: 0 },
      differences: {
        allow_to_block: 1,
        allow_to_escalate: 0,
        block_to_allow: 0,
        block_to_escalate: 0,
        escalate_to_allow: 0,
        escalate_to_block: 0,
      },
      samples: [
        {
          difference: "allow_to_block",
          tool: "transfer_funds",
          agent: "agent-finance-bot-7",
          request_id: "request-1",
        },
      ],
    },
  },
  reply: RolloutReportReply,
  run: async ({ params, body }, { rollouts, sidecar, work }) =>
    await work.commit((unit) => rollouts.take(unit, sidecar, params.id, body)),
});

export const rolloutReportRows = [report];
