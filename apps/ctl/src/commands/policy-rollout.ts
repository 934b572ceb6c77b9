// postern policy rollout: a draft that some sidecars try before all of them have it, or that is asked beside the active policy.
import { basename } from "node:path";
import { type AdminClient, type CountedRollout, createAdminClient } from "@postern/client";
import { SidecarLabels } from "@postern/contracts";
import { columns } from "../columns.ts";
import { command, usage } from "../command.ts";
import { ADMIN_OPTIONS, type AdminConnection, adminConnection } from "../connection.ts";
import { uncompiled } from "../rego-source.ts";
import { fileText } from "../text-source.ts";
import { visible } from "../visible-text.ts";
import { made } from "./policy-proposals.ts";

const ACTS = ["widen", "complete", "stop"] as const;

export const policyRollout = command({
  name: "policy rollout",
  summary: "Try a Rego file in some sidecars; show, widen, complete or stop the rollout.",
  usage: "[<file.rego> | widen | complete | stop]",
  details:
    "Without an argument: what runs, and what was counted. With a file: begins one, staged unless --shadow is given.\n" +
    "A staged rollout stops by itself when too many more calls are not allowed, or when a sidecar cannot use the policy.",
  positionals: { min: 0, max: 1 },
  options: {
    percent: { value: "N", description: "Share of the sidecars, 0 to 100; default 10." },
    label: { value: "NAME=VALUE", description: "Only sidecars that have it.", multiple: true },
    shadow: { description: "The active policy decides, and differences are counted." },
    rise: {
      value: "POINTS",
      description: "Percentage points more of calls that are not allowed which stop it; default 10.",
    },
    reason: { value: "TEXT", description: "Why it is stopped, for the audit log." },
    ...ADMIN_OPTIONS,
  },
  example: "postern policy rollout policy.rego --percent 5 --label env=prod",
  async run({ options, positionals: [what] }, { config }) {
    const connection = await adminConnection(options, config());
    const client = createAdminClient({ ...connection, timeoutMs: 60_000 });
    if (what === undefined) return show(client, connection);
    const act = ACTS.find((each) => each === what);
    const { tenant } = connection;
    if (act === undefined) {
      const draft = await client
        .createDraft({ name: basename(what, ".rego"), rego_source: await fileText(what), tenant })
        .catch(uncompiled);
      if (!("id" in draft)) return { ok: false, json: { ok: false, ...draft }, text: draft.message };
      return made(await client.startRollout({ draft_id: draft.id, tenant, ...planOf(options) }));
    }
    const { id } = await running(client, connection);
    if (act === "complete") return made(await client.completeRollout(id, { tenant }));
    if (act === "stop") return made(await client.stopRollout(id, { tenant, reason: options.reason }));
    return made(await client.changeRollout(id, { tenant, percent: percentOf(options.percent) }));
  },
});

interface Plan {
  readonly percent: string | undefined;
  readonly label: readonly string[];
  readonly shadow: boolean;
  readonly rise: string | undefined;
}

function planOf({ percent, label, shadow, rise }: Plan) {
  const pairs = label.map((each) => each.split("="));
  const labels = SidecarLabels.safeParse(Object.fromEntries(pairs));
  if (!labels.success || pairs.some((pair) => pair.length !== 2)) throw usage("--label must be NAME=VALUE.");
  return {
    mode: shadow ? ("shadow" as const) : ("staged" as const),
    ...(percent === undefined ? {} : { percent: percentOf(percent) }),
    labels: labels.data,
    ...(rise === undefined ? {} : { stop_when: { denials_up_percent_points: percentOf(rise) } }),
  };
}

function percentOf(text: string | undefined): number {
  if (text !== undefined && /^\d{1,3}$/.test(text) && Number(text) <= 100) return Number(text);
  throw usage("A share must be a whole number from 0 to 100: --percent N.");
}

async function running(client: AdminClient, { tenant }: AdminConnection): Promise<CountedRollout> {
  const { items } = await client.rollouts({ tenant, limit: 1 });
  const [latest] = items;
  if (latest?.status === "running") return latest;
  throw usage("No rollout runs.");
}

async function show(client: AdminClient, { tenant }: AdminConnection) {
  const { items } = await client.rollouts({ tenant, limit: 10 });
  const [latest] = items;
  if (latest === undefined) return { ok: true, json: [], text: "There was no rollout yet." };
  const detail = await client.rollout(latest.id, { tenant });
  return { ok: true, json: items, text: describe(detail) };
}

function describe({ figures, samples = [], ...rollout }: CountedRollout): string {
  const { active, candidate, differences } = figures;
  const differing = Object.entries(differences).filter(([, calls]) => calls > 0);
  const rows = [
    ["", "ALLOWED", "BLOCKED", "ESCALATED"],
    ...(
      [
        ["active", active],
        ["candidate", candidate],
      ] as const
    ).map(([name, said]) => [
      name,
      ...(["allowed", "blocked", "escalated"] as const).map((kind) => String(said[kind])),
    ]),
  ];
  return [
    `${rollout.id}  ${visible(rollout.name)}  ${rollout.mode}, ${rollout.percent} %, ${rollout.status}${rollout.end_reason ? `: ${visible(rollout.end_reason)}` : ""}`,
    `${figures.taking_part} of ${figures.sidecars} sidecars take part, ${figures.loaded} have it ready${figures.problem === undefined ? "" : `; ${visible(figures.problem)}`}`,
    columns(rows),
    `${figures.compared} calls compared, ${figures.skipped} left out${differing.map(([kind, calls]) => `, ${kind} ${calls}`).join("")}`,
    ...samples.map(
      (each) =>
        `  ${each.difference}  ${visible(each.tool)}  ${visible(each.agent)}  request ${each.request_id}`,
    ),
  ].join("\n");
}
