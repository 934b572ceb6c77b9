// Dry runs: what a candidate policy would do to calls of the past, or to one that is written down.
import type { PolicyInput } from "@postern/contracts";
import { Fault } from "@postern/fault";
import type { z } from "zod";
import type { Selection } from "../../domain/trials/model.ts";
import { completeInput } from "../../domain/trials/question.ts";
import { CALLS_MAX, readSample } from "../../domain/trials/sample.ts";
import { operation } from "./context.ts";
import { DryRunBody, DryRunView, dryRunView } from "./dry-run-views.ts";
import { REGO_EXAMPLE } from "./fields.ts";

type Asked = z.infer<typeof DryRunBody>;

const dryRun = operation({
  id: "policy_dry_run",
  method: "POST",
  path: "/v1/admin/policies/dry-run",
  summary: "Judge a call, or calls of the past, by a policy that is not in force",
  description:
    "Changes nothing. `sample` names calls out of the tenant's log: `last:500`, `24h`, `tool:<name>`, `agent:<id>`, joined by commas, or the id " +
    "of one event. What events do not hold is named in `missing`, and such a verdict is `uncertain`.",
  tag: "Policies",
  permission: "author",
  audit: "admin/dry_run",
  status: 200,
  replies: {
    404: "There is no such event, or no such tenant.",
    429: "The tenant has a dry run under way, or too many are, or too many policies are being compiled.",
    503: "The Rego compiler is not configured.",
  },
  body: DryRunBody,
  example: {
    body: {
      rego_source: REGO_EXAMPLE,
      tenant: "acme-corp",
      input: { tool: "transfer_funds", args: { amount_eur: 25000 } },
    },
  },
  reply: DryRunView,
  run: async ({ body, request }, context) => {
    const tenant = await context.scope.body(body.tenant);
    const nowMs = context.clock.nowMs();
    const trial = await context.trials.dryRun(context.work, {
      tenant,
      regoSource: sourceOf(body),
      about: aboutOf(body, tenant, nowMs),
      shownMax: body.max_samples,
      told: {
        kind: body.input === undefined ? "sample" : "input",
        sample: body.sample ?? "",
        ...{ tool: body.tool ?? "", agent_id: body.agent_id ?? "", limit: body.limit ?? 0 },
        ...{ from: body.from ?? "", to: body.to ?? "" },
      },
      signal: request.signal,
    });
    return dryRunView(trial);
  },
});

function sourceOf({ rego_source, rego }: Asked): string {
  if (rego_source !== undefined && rego !== undefined) {
    throw refused("rego", "is another name of rego_source: give one of them");
  }
  const source = rego_source ?? rego;
  if (source === undefined) throw refused("rego_source", "is required");
  return source;
}

function aboutOf(
  body: Asked,
  tenant: string,
  nowMs: number,
): { input: PolicyInput } | { selection: Selection } {
  const { input, sample, from, to, limit, agent_id, tool } = body;
  const narrowed = [from, to, limit, agent_id, tool].some((each) => each !== undefined);
  if (input === undefined && sample === undefined && !narrowed) {
    throw refused("sample", "either input or sample is required");
  }
  if (input === undefined) return { selection: selectionOf(body, nowMs) };
  if (sample !== undefined || narrowed) {
    throw refused("input", "excludes sample and what narrows it (from, to, limit, agent_id, tool)");
  }
  const complete = completeInput(input, tenant, nowMs);
  for (const [path, given, meant] of [
    ["capability.subject", input.capability?.subject, complete.agent_id],
    ["capability.tenant", input.capability?.tenant, tenant],
    ["time.hour", input.time?.hour, complete.time.hour],
    ["time.minute", input.time?.minute, complete.time.minute],
    ["time.weekday", input.time?.weekday, complete.time.weekday],
  ] as const) {
    if (given !== undefined && given !== meant) {
      throw refused(`input.${path}`, `must agree with the rest of the input: ${JSON.stringify(meant)}`);
    }
  }
  return { input: complete };
}

function selectionOf(body: Asked, nowMs: number): Selection {
  const { windowMs, ...sample } = body.sample === undefined ? {} : readSample(body.sample);
  const named = {
    limit: once("limit", sample.limit, body.limit),
    tool: once("tool", sample.tool, body.tool),
    agentId: once("agent_id", sample.agentId, body.agent_id),
    since: once(
      "from",
      windowMs === undefined ? undefined : new Date(nowMs - windowMs),
      instantOf(body.from),
    ),
    until: instantOf(body.to),
  };
  const { eventId } = sample;
  if (eventId !== undefined && Object.values(named).some((each) => each !== undefined)) {
    throw refused("sample", "the id of an event stands alone, without from, to, limit, agent_id and tool");
  }
  return { ...named, limit: named.limit ?? CALLS_MAX, eventId };
}

/** What the sample and a field may both say. */
function once<T>(field: string, sampled: T | undefined, given: T | undefined): T | undefined {
  if (sampled !== undefined && given !== undefined) throw refused(field, "is said by the sample already");
  return sampled ?? given;
}

/** No call is older than the log, and a database knows no year 0. */
const instantOf = (text: string | undefined) =>
  text === undefined ? undefined : new Date(Math.max(0, Date.parse(text)));

const refused = (path: string, why: string) => new Fault("invalid", "request.body", `body.${path}: ${why}`);

export const dryRunRows = [dryRun];
