// Queries over what sidecars reported. Nothing but a store of this noun: other nouns ask the service.
import type { RolloutReport } from "@postern/contracts";
import { and, eq, inArray, type SQL, sql } from "drizzle-orm";
import type { PgColumn } from "drizzle-orm/pg-core";
import type { Executor } from "../../database/connection.ts";
import type { Figures, Sample } from "./figures.ts";
import { policyRolloutReports as reports } from "./table.ts";

interface Reporter {
  readonly tenant: string;
  readonly rolloutId: string;
  readonly sidecarId: string;
  readonly at: Date;
}

/** Counts of a boot: they rise by themselves, so the larger of two reports is the later one. */
const COUNTED = [
  ...(["activeAllowed", "activeBlocked", "activeEscalated"] as const),
  ...(["candidateAllowed", "candidateBlocked", "candidateEscalated"] as const),
  ...(["compared", "skipped", "loadFailures"] as const),
  ...(["allowToBlock", "allowToEscalate", "blockToAllow"] as const),
  ...(["blockToEscalate", "escalateToAllow", "escalateToBlock"] as const),
] as const;

/** Adds what a boot of a sidecar has counted; an older report of it changes no count. */
export async function upsertReport(
  executor: Executor,
  { tenant, rolloutId, sidecarId, at }: Reporter,
  report: RolloutReport,
): Promise<void> {
  const { active, candidate, differences } = report;
  const row = {
    ...{ tenant, rolloutId, sidecarId, epoch: report.epoch, reportedAt: at },
    ...{ takesPart: report.takes_part, loaded: report.loaded },
    ...{ activeAllowed: active.allowed, activeBlocked: active.blocked, activeEscalated: active.escalated },
    candidateAllowed: candidate.allowed,
    candidateBlocked: candidate.blocked,
    candidateEscalated: candidate.escalated,
    ...{ compared: report.compared, skipped: report.skipped, loadFailures: report.load_failures },
    allowToBlock: differences.allow_to_block,
    allowToEscalate: differences.allow_to_escalate,
    blockToAllow: differences.block_to_allow,
    blockToEscalate: differences.block_to_escalate,
    escalateToAllow: differences.escalate_to_allow,
    escalateToBlock: differences.escalate_to_block,
    problem: report.problem ?? "",
    samples: report.samples,
  };
  const risen = COUNTED.map((name) => [
    name,
    sql`greatest(${reports[name]}, excluded.${sql.identifier(reports[name].name)})`,
  ]);
  const { takesPart, loaded, problem, samples, reportedAt } = row;
  await executor
    .insert(reports)
    .values(row)
    .onConflictDoUpdate({
      target: [reports.tenant, reports.rolloutId, reports.sidecarId, reports.epoch],
      set: { ...Object.fromEntries(risen), takesPart, loaded, problem, samples, reportedAt },
    });
}

/** Sums over all sidecars and boots, by rollout; one that nobody has reported on is absent. */
export async function selectFigures(
  executor: Executor,
  tenant: string,
  rolloutIds: readonly string[],
): Promise<ReadonlyMap<string, Figures>> {
  if (rolloutIds.length === 0) return new Map();
  const rows = await executor
    .select({
      rolloutId: reports.rolloutId,
      sidecars: whole(sql`count(distinct ${reports.sidecarId})`),
      takingPart: whole(sql`count(distinct ${reports.sidecarId}) filter (where ${reports.takesPart})`),
      loaded: whole(sql`count(distinct ${reports.sidecarId}) filter (where ${reports.loaded})`),
      problem: sql<string>`max(${reports.problem})`,
      active: {
        allowed: sum(reports.activeAllowed),
        blocked: sum(reports.activeBlocked),
        escalated: sum(reports.activeEscalated),
      },
      candidate: {
        allowed: sum(reports.candidateAllowed),
        blocked: sum(reports.candidateBlocked),
        escalated: sum(reports.candidateEscalated),
      },
      compared: sum(reports.compared),
      skipped: sum(reports.skipped),
      differences: {
        allow_to_block: sum(reports.allowToBlock),
        allow_to_escalate: sum(reports.allowToEscalate),
        block_to_allow: sum(reports.blockToAllow),
        block_to_escalate: sum(reports.blockToEscalate),
        escalate_to_allow: sum(reports.escalateToAllow),
        escalate_to_block: sum(reports.escalateToBlock),
      },
      loadFailures: sum(reports.loadFailures),
    })
    .from(reports)
    .where(and(eq(reports.tenant, tenant), inArray(reports.rolloutId, [...rolloutIds])))
    .groupBy(reports.rolloutId);
  return new Map(rows.map(({ rolloutId, ...figures }) => [rolloutId, figures]));
}

/** A few calls of which the policies say different things, from as many sidecars as there are. */
export async function selectSamples(
  executor: Executor,
  { tenant, id, sidecarsMax }: { tenant: string; id: string; sidecarsMax: number },
): Promise<readonly Sample[]> {
  const rows = await executor
    .select({ sidecarId: reports.sidecarId, samples: reports.samples })
    .from(reports)
    .where(
      and(
        eq(reports.tenant, tenant),
        eq(reports.rolloutId, id),
        sql`jsonb_array_length(${reports.samples}) > 0`,
      ),
    )
    .orderBy(reports.sidecarId, reports.epoch)
    .limit(sidecarsMax);
  return rows.flatMap(({ sidecarId, samples }) => samples.map((sample) => ({ ...sample, sidecarId })));
}

const whole = (expression: SQL) => sql<number>`${expression}`.mapWith(Number);
const sum = (column: PgColumn) => whole(sql`coalesce(sum(${column}), 0)`);
