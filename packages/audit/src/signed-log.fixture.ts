// A log of twenty entries with its key, and a checkpoint of any of its sizes.
import type { ChainEntry } from "@postern/contracts";
import { generateKeyPair, importSigningKey } from "@postern/signing";
import { signCheckpoint } from "./checkpoint.ts";
import { rootOf } from "./merkle/tree.ts";
import { sampleChain } from "./sample-event.ts";

export const key = await importSigningKey((await generateKeyPair()).secretKey);
export const origin = "postern.example/tenants/acme";
export const chain = sampleChain(20);
export const pinned = { publicKey: key.publicKey, origin };
export const checkpointAt = (size: number, entries: readonly ChainEntry[] = chain) =>
  signCheckpoint({
    origin,
    size,
    key,
    rootHash: rootOf(entries.slice(0, size).map((e) => Buffer.from(e.hash, "hex"))),
  });
