// postern audit export: the chain as a file that anyone can verify offline.
import { open } from "node:fs/promises";
import { createAdminClient } from "@postern/client";
import { command, usage } from "../command.ts";
import { ADMIN_OPTIONS, adminConnection } from "../connection.ts";
import { fileFault } from "../text-source.ts";
import type { World } from "../world.ts";

export const auditExport = command({
  name: "audit export",
  summary: "Export the audit chain.",
  usage: "[--out FILE]",
  details: "NDJSON holds every hash and can be verified offline; CSV is for reading only.",
  positionals: { min: 0, max: 0 },
  options: {
    out: { value: "FILE", description: "Where to write; standard output without it." },
    format: { value: "ndjson|csv", description: "Default ndjson." },
    since: { value: "TIME", description: "From this instant (RFC 3339)." },
    until: { value: "TIME", description: "Up to this instant (RFC 3339)." },
    ...ADMIN_OPTIONS,
  },
  example: "postern audit export --out export.ndjson && postern audit verify export.ndjson",
  async run({ options, json }, world) {
    const { out, format = "ndjson", since, until } = options;
    if (format !== "ndjson" && format !== "csv") throw usage("--format must be ndjson or csv");
    if (json && out === undefined)
      throw usage("--json needs --out, for the export itself goes to standard output");
    const { url, token, tenant } = await adminConnection(options, world.config());
    const chunks = createAdminClient({ url, token, timeoutMs: 60_000 }).exportAudit(format, {
      tenant,
      since,
      until,
    });
    const bytes = out === undefined ? await printAll(chunks, world) : await writeAll(chunks, out);
    const text = `Wrote ${bytes} bytes to ${out}.`;
    return {
      ok: true,
      json: { file: out ?? null, format, bytes },
      text,
      ...(out === undefined ? { printed: true } : {}),
    };
  },
});

async function printAll(chunks: AsyncIterable<Uint8Array>, world: World): Promise<number> {
  let bytes = 0;
  for await (const chunk of chunks) {
    await world.print(chunk);
    bytes += chunk.byteLength;
  }
  return bytes;
}

async function writeAll(chunks: AsyncIterable<Uint8Array>, path: string): Promise<number> {
  // Events name agents and tools: the file is its owner's alone.
  const file = await open(path, "w", 0o600).catch((caught) => {
    throw fileFault(path, caught);
  });
  let bytes = 0;
  try {
    for await (const chunk of chunks) {
      await file.write(chunk);
      bytes += chunk.byteLength;
    }
    return bytes;
  } finally {
    await file.close();
  }
}
