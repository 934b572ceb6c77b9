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
  reply: RolloutReportReply,
  run: async ({ params, body }, { rollouts, sidecar, work }) =>
    await work.commit((unit) => rollouts.take(unit, sidecar, params.id, body)),
});

export const rolloutReportRows = [report];
