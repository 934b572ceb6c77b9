// postern audit verify: whether nobody touched the record. With a file it needs no service and trusts nobody but the given key.
import { createReadStream } from "node:fs";
import { type ChainReport, type LogProblem, verifyExport } from "@postern/audit";
import { createAdminClient } from "@postern/client";
import { Fault } from "@postern/fault";
import { command, type Outcome, usage } from "../command.ts";
import { ADMIN_OPTIONS, adminConnection } from "../connection.ts";
import { readStretch } from "../export-stretch.ts";
import { fileFault, fileText } from "../text-source.ts";
import { snakeKeys } from "../wire-names.ts";

export const auditVerify = command({
  name: "audit verify",
  summary: "Verify the audit chain: an export offline, or the live one.",
  usage: "[export file | -]",
  details:
    "With a file (NDJSON export), everything is recomputed here. With --key the answer is yes only if a checkpoint that this key signed\n" +
    "covers the last event; without it, nothing is proven but that the export does not contradict itself.\n" +
    "Without a file, the control plane verifies its own chain.",
  positionals: { min: 0, max: 1 },
  options: {
    key: {
      value: "KEY",
      description: "Public key of the log: k4.public.… (with --origin), or verifier key text.",
    },
    origin: { value: "NAME", description: "Origin that the checkpoint must name; only with --key." },
    checkpoint: {
      value: "FILE",
      description: "Signed checkpoint to hold the export against, besides its own.",
    },
    partial: {
      description: "Accept an export of a stretch that begins in the middle of the chain; not with --key.",
    },
    ...ADMIN_OPTIONS,
  },
  example: "postern audit verify export.ndjson --key postern.example/tenants/acme+59d538f3+AddamAGC…",
  async run({ options, positionals: [path] }, world) {
    const { key, origin, checkpoint, partial } = options;
    if (path === undefined) {
      if (key !== undefined || origin !== undefined || checkpoint !== undefined || partial)
        throw usage("--key, --origin, --checkpoint and --partial need an export file");
      return verifyLive(await adminConnection(options, world.config()));
    }
    if (origin !== undefined && key === undefined) throw usage("--origin is checked only with --key");
    const { chunks, from } = await readStretch(path === "-" ? world.stdin : readFileChunks(path), partial);
    const report = await verifyExport(chunks, {
      ...(from === undefined ? {} : { from }),
      ...(key === undefined ? {} : { publicKey: key }),
      ...(origin === undefined ? {} : { origin }),
      ...(checkpoint === undefined ? {} : { checkpoint: await fileText(checkpoint) }),
    });
    const unusable = report.problem === undefined ? undefined : UNUSABLE[report.problem];
    if (unusable !== undefined) throw new Fault("invalid", `ctl.${report.problem}`, unusable);
    return { ok: report.verified, json: asReply(report), text: describe(report, key !== undefined) };
  },
});

/** Problems that are no answer about a log, but say that there is nothing here to judge. */
const UNUSABLE: { readonly [problem in LogProblem]?: string } = {
  not_an_export:
    "This is not an NDJSON export. Only `postern audit export --format ndjson` (the default) holds the hashes that can be verified.",
  empty: "The export is empty: it holds no event, and no checkpoint that says so.",
  unprovable:
    "A stretch from the middle of the chain cannot be proven with a key: a checkpoint covers a chain from its beginning. " +
    "Export the whole chain (without --since and --until) and verify that, or leave out --key to learn only whether the stretch contradicts itself.",
};

async function* readFileChunks(path: string): AsyncGenerator<Uint8Array, void> {
  try {
    for await (const chunk of createReadStream(path)) yield chunk;
  } catch (caught) {
    throw fileFault(path, caught);
  }
}

async function verifyLive({
  url,
  token,
  tenant,
}: Awaited<ReturnType<typeof adminConnection>>): Promise<Outcome> {
  const report = await createAdminClient({ url, token, timeoutMs: 600_000 }).verifyAudit({ tenant });
  const { verified, events_checked, first_broken_event_id } = report;
  const text = verified
    ? `The chain of ${report.tenant} holds: ${events_checked} events.`
    : `The chain of ${report.tenant} is BROKEN at event ${first_broken_event_id ?? "(unnamed)"}, after ${events_checked} sound events.`;
  return { ok: verified, json: report, text };
}

/** In the words of the control plane's own answer, and more. */
function asReply(report: ChainReport): unknown {
  return {
    ...Object(snakeKeys(report)),
    checkpoint: report.checkpoint === undefined ? null : snakeKeys(report.checkpoint),
    first_broken_event_id: report.firstBroken?.eventId,
  };
}

function describe(report: ChainReport, isPinned: boolean): string {
  const { firstBroken, firstUncovered, checkpoint, eventsChecked, coveredEvents, head } = report;
  if (firstBroken !== undefined) return describeBroken(firstBroken);
  if (report.problem === "checkpoint")
    return `NOT verified: the checkpoint does not hold: ${checkpoint?.detail}.`;
  if (firstUncovered !== undefined) {
    const why =
      report.problem === "unsigned"
        ? "nothing here is signed by that key"
        : `what that key signed ends after ${coveredEvents} of ${eventsChecked} events`;
    return (
      `NOT verified: ${why}.\n` +
      `  The first event that is not covered: index ${firstUncovered.index}, event ${firstUncovered.eventId}.`
    );
  }
  if (isPinned)
    return (
      `The chain holds: ${eventsChecked} events, head ${head.hash}.\n` +
      `All of them are covered by the checkpoint of ${checkpoint?.origin}, which the given key signed.`
    );
  const end =
    checkpoint === undefined
      ? "There is no checkpoint either: events cut off from the end would not show."
      : `Its checkpoint of ${checkpoint.origin} at size ${checkpoint.size} matches, but anyone could have written it.`;
  return (
    `The chain is consistent with itself: ${eventsChecked} events, head ${head.hash}.\n` +
    `Nothing was proven to be signed: without --key no signature is checked. ${end}`
  );
}

function describeBroken(broken: NonNullable<ChainReport["firstBroken"]>): string {
  const { index, eventId, problem, detail } = broken;
  const beginsLater = problem === "index_gap" && index === 0;
  const hint = beginsLater ? "\n  An export of a stretch (--since) is verified with --partial." : "";
  return `The chain is BROKEN at index ${index}, event ${eventId || "(unnamed)"}: ${problem}.\n  ${detail}${hint}`;
}
