// postern audit verify: whether nobody touched the record. With a file it needs no service and trusts nobody but the given key.
import { createReadStream } from "node:fs";
import { type ChainReport, verifyExport } from "@postern/audit";
import { createAdminClient } from "@postern/client";
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
    "With a file (NDJSON export), everything is recomputed here; --key and --checkpoint then prove that it is the log that was signed,\n" +
    "whole up to the checkpoint. Without a file, the control plane verifies its own chain.",
  positionals: { min: 0, max: 1 },
  options: {
    key: {
      value: "KEY",
      description: "Public key of the log: k4.public.… (with --origin), or verifier key text.",
    },
    origin: { value: "NAME", description: "Origin that the checkpoint must name." },
    checkpoint: { value: "FILE", description: "Signed checkpoint to hold the export against." },
    partial: { description: "Accept an export of a stretch that begins in the middle of the chain." },
    ...ADMIN_OPTIONS,
  },
  example:
    "postern audit verify export.ndjson --checkpoint checkpoint.txt --key k4.public.… --origin postern.example/acme",
  async run({ options, positionals: [path] }, world) {
    const { key, origin, checkpoint } = options;
    if (path === undefined) {
      if (key !== undefined || origin !== undefined || checkpoint !== undefined)
        throw usage("--key, --origin and --checkpoint need an export file");
      return verifyLive(await adminConnection(options, world.config()));
    }
    const { chunks, from } = await readStretch(
      path === "-" ? world.stdin : readFileChunks(path),
      options.partial,
    );
    const report = await verifyExport(chunks, {
      ...(from === undefined ? {} : { from }),
      ...(key === undefined ? {} : { publicKey: key }),
      ...(origin === undefined ? {} : { origin }),
      ...(checkpoint === undefined ? {} : { checkpoint: await fileText(checkpoint) }),
    });
    return {
      ok: report.verified,
      json: asReply(report),
      text: describe(report),
    };
  },
});

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
  return { ...Object(snakeKeys(report)), first_broken_event_id: report.firstBroken?.eventId };
}

function describe(report: ChainReport): string {
  const { firstBroken, checkpoint, eventsChecked, head } = report;
  if (firstBroken !== undefined) {
    const beginsLater = firstBroken.problem === "index_gap" && firstBroken.index === 0;
    const hint = beginsLater ? "\n  An export of a stretch (--since) is verified with --partial." : "";
    const event = firstBroken.eventId === "" ? "(unnamed)" : firstBroken.eventId;
    return `The chain is BROKEN at index ${firstBroken.index}, event ${event}: ${firstBroken.problem}.\n  ${firstBroken.detail}${hint}`;
  }
  const chain = `The chain holds: ${eventsChecked} events, head ${head.hash}.`;
  if (checkpoint === undefined) return `${chain}\nNo checkpoint: events cut off from its end would not show.`;
  const { origin, size, detail, signature, verified } = checkpoint;
  if (!verified) return `${chain}\nBut the checkpoint does NOT hold: ${detail}.`;
  const signed =
    signature === "valid" ? "signed by the given key" : "but its signature was not checked: give --key";
  return `${chain}\nThe checkpoint of ${origin} at size ${size} matches, ${signed}.`;
}
