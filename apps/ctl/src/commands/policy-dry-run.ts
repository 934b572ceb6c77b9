// postern policy dry-run: what a Rego file would have done to the calls of the past, before it does anything to those that come.
import { createAdminClient, type DryRun, type DryRunDecision } from "@postern/client";
import { z } from "zod";
import { columns } from "../columns.ts";
import { command, usage } from "../command.ts";
import { ADMIN_OPTIONS, adminConnection } from "../connection.ts";
import { uncompiled } from "../rego-source.ts";
import { fileText } from "../text-source.ts";
import { visible } from "../visible-text.ts";

/** Compiling, judging and reading history, each at its longest. */
const TIMEOUT_MS = 90_000;

export const policyDryRun = command({
  name: "policy dry-run",
  summary: "Show what a Rego file would change for calls of the past, or decide for one.",
  usage: "<file.rego>",
  details:
    "Changes nothing. A sample is last:N, 90m, 24h, 7d, tool:<name>, agent:<id>, joined by commas, or the id of one event.\n" +
    "A critical finding, and Rego that does not compile, are exit code 1. With ? a verdict is uncertain: the policy reads what the event\n" +
    "does not hold.",
  positionals: { min: 1, max: 1 },
  options: {
    sample: {
      value: "SAMPLE",
      description: "Calls out of the tenant's log; last:500 when nothing is given.",
    },
    input: {
      value: "FILE",
      description: "One policy input as JSON (- = standard input), instead of a sample.",
    },
    show: { value: "COUNT", description: "Largest number of decisions to show; 20 when nothing is given." },
    ...ADMIN_OPTIONS,
  },
  example: "postern policy dry-run policy.rego --sample last:500",
  async run({ options, positionals: [path = ""] }, world) {
    const { sample, input, show = "20" } = options;
    if (sample !== undefined && input !== undefined) throw usage("give --sample or --input, not both");
    if (!/^\d{1,4}$/.test(show) || Number(show) > 1000) throw usage("--show must be a number up to 1000");
    const rego_source = await fileText(path);
    const { url, token, tenant } = await adminConnection(options, world.config());
    const client = createAdminClient({ url, token, timeoutMs: TIMEOUT_MS });
    const about =
      input === undefined ? { sample: sample ?? "last:500" } : { input: await readInput(input, world.stdin) };
    const run = await client
      .dryRunPolicy({ rego_source, tenant, max_samples: Number(show), ...about })
      .catch(uncompiled);
    if (!("summary" in run)) return { ok: false, json: { ok: false, ...run }, text: run.message };
    const ok = run.safety.every(({ severity }) => severity !== "critical");
    return { ok, json: { ok, ...run }, text: describe(run) };
  },
});

const InputText = z.preprocess((text) => parsed(String(text)), z.record(z.string(), z.json()));

async function readInput(path: string, stdin: AsyncIterable<Uint8Array>): Promise<object> {
  const text =
    path === "-" ? Buffer.concat(await Array.fromAsync(stdin)).toString("utf8") : await fileText(path);
  const input = InputText.safeParse(text);
  if (!input.success) throw usage(`${path} is not a JSON object`);
  return input.data;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const CHANGES = [
  "allow_to_block",
  "allow_to_escalate",
  "block_to_allow",
  "block_to_escalate",
  "escalate_to_allow",
  "escalate_to_block",
] as const;

function describe({ decisions, summary, safety, partial, partial_reason }: DryRun): string {
  const { evaluated, changed, unchanged, uncertain, failed } = summary;
  const counts = `${evaluated} calls: ${changed} changed, ${unchanged} unchanged, ${uncertain} uncertain, ${failed} failed.`;
  const changes = CHANGES.filter((change) => summary[change] > 0).map(
    (change) => `  ${change}: ${summary[change]}`,
  );
  const findings = safety.map(({ severity, finding, message }) => [
    severity.toUpperCase(),
    finding,
    visible(message),
  ]);
  const rows = decisions.map((decision) => [
    `${decision.changed === true ? "*" : " "}${decision.uncertain === true ? "?" : " "}`,
    visible(String(decision.input.tool ?? "")),
    visible(String(decision.input.agent_id ?? "")),
    decision.actual_decision,
    decision.candidate_decision,
    visible(why(decision)),
    decision.event_id || "-",
  ]);
  return [
    counts,
    ...changes,
    ...(partial ? [`  The run ended early (${partial_reason ?? "unknown"}): this is a part.`] : []),
    ...(findings.length > 0 ? ["", columns(findings)] : []),
    ...(rows.length > 0
      ? ["", columns([["", "TOOL", "AGENT", "WAS", "WOULD BE", "RULE", "EVENT"], ...rows])]
      : []),
  ].join("\n");
}

const why = ({ rule, candidate_reason = "" }: DryRunDecision) => rule || candidate_reason.slice(0, 60) || "-";
