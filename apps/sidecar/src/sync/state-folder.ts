// What survives a restart: the last good key list and bundle, which tools were seen, and how far control state had come, so that a restarted
// sidecar cannot be talked back into an older policy or a second first definition. Each file is replaced whole; what cannot be read counts as absent.
import { hash } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { Sha256Hex, ToolName, UpstreamName } from "@postern/contracts";
import { z } from "zod";

/** Versions below which nothing is accepted any more. They hold for one trust root: another control plane starts afresh. */
export const Floors = z.strictObject({
  trust_root: z.string(),
  keys: z.int().min(0),
  policy: z.int().min(0),
  policy_revision: z.int().min(0),
  candidate_revision: z.int().min(0).default(0),
  pins: z.int().min(0).default(0),
});
export type Floors = z.infer<typeof Floors>;

/** Tools as they were seen, in the order in which they were. A digest is "" where a definition has none. */
export const Sightings = z.array(
  z.strictObject({
    upstream: UpstreamName,
    tool: ToolName,
    first: z.union([Sha256Hex, z.literal("")]),
    digest: z.union([Sha256Hex, z.literal("")]),
    suspicious: z.boolean(),
  }),
);
export type Sightings = z.infer<typeof Sightings>;

export interface StateFolder {
  readFloors(): Promise<Floors | undefined>;
  saveFloors(floors: Floors): Promise<void>;
  /** Sealed document of a kind, as it came. */
  readSealed(kind: "keys" | "policy"): Promise<string | undefined>;
  saveSealed(kind: "keys" | "policy", sealed: string): Promise<void>;
  readSightings(): Promise<Sightings>;
  saveSightings(sightings: Sightings): Promise<void>;
  readBundle(digest: string): Promise<Uint8Array | undefined>;
  /** Keeps this bundle and those that are wanted beside it, and drops every other one. */
  saveBundle(digest: string, bytes: Uint8Array, wanted: readonly string[]): Promise<void>;
}

/** Folder `directory` is made when it is missing, readable by its owner only. */
export async function openStateFolder(directory: string): Promise<StateFolder> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const at = (name: string) => join(directory, name);
  const bundleName = (digest: string) => `${Sha256Hex.parse(digest)}.bundle`;
  return {
    readFloors: () => readDocument(at("floors.json"), Floors),
    saveFloors: (floors) => replace(at("floors.json"), Buffer.from(JSON.stringify(floors))),
    readSealed: async (kind) => (await readIfThere(at(`${kind}.sealed`)))?.toString("utf8"),
    saveSealed: (kind, sealed) => replace(at(`${kind}.sealed`), Buffer.from(sealed)),
    readSightings: async () => (await readDocument(at("tools.json"), Sightings)) ?? [],
    saveSightings: (sightings) => replace(at("tools.json"), Buffer.from(JSON.stringify(sightings))),
    async readBundle(digest) {
      const bytes = await readIfThere(at(bundleName(digest)));
      // A damaged copy counts as none, so that it is fetched again.
      return bytes !== undefined && hash("sha256", bytes, "hex") === digest ? bytes : undefined;
    },
    async saveBundle(digest, bytes, wanted) {
      const kept = new Set([digest, ...wanted].map(bundleName));
      await replace(at(bundleName(digest)), bytes);
      const others = (await readdir(directory)).filter((name) => name.endsWith(".bundle") && !kept.has(name));
      await Promise.all(others.map((name) => rm(at(name), { force: true })));
    },
  };
}

async function readDocument<S extends z.ZodType>(path: string, schema: S): Promise<z.output<S> | undefined> {
  const bytes = await readIfThere(path);
  return bytes === undefined ? undefined : schema.safeParse(parseJson(bytes)).data;
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (caught) {
    if ((caught as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw caught;
  }
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    return undefined;
  }
}

/** A reader sees the old content or the new one, also after power loss. */
async function replace(path: string, bytes: Uint8Array): Promise<void> {
  const draft = `${path}.new`;
  const file = await open(draft, "w", 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
}
