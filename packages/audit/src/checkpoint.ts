// C2SP checkpoints (https://c2sp.org/tlog-checkpoint): a signed note whose text names a log, its size and its root hash.
// The log signs under its own origin as key name; whoever pins that key can judge any export without trusting the server.
import { Fault } from "@postern/fault";
import type { SigningKey } from "@postern/signing";
import { HASH_BYTES } from "./hash.ts";
import {
  checkNote,
  decodeBase64,
  isKeyName,
  type Note,
  type NoteKey,
  readNote,
  readVerifierKey,
  signNote,
} from "./note.ts";

export interface Checkpoint {
  /** The log's name, unique in the world, such as `postern.example/tenants/acme`. */
  readonly origin: string;
  readonly size: number;
  readonly rootHash: Uint8Array;
  /** Further lines; none are written today, any are read. */
  readonly extensions: readonly string[];
}

export interface CheckpointFields {
  readonly origin: string;
  readonly size: number;
  readonly rootHash: Uint8Array;
  readonly key: SigningKey;
}

/** What the verifier trusts beforehand. */
export interface PinnedKey {
  /** `k4.public.…`, or verifier key text `<name>+<hash>+<base64>`. */
  readonly publicKey: string;
  /** Origin that the checkpoint must name. May be left out when `publicKey` is verifier key text: then it is that name. */
  readonly origin?: string | undefined;
}

export type CheckpointVerdict =
  | { readonly ok: true; readonly checkpoint: Checkpoint }
  | {
      readonly ok: false;
      readonly problem: "malformed" | "wrong_origin" | "unsigned" | "bad_signature";
      readonly detail: string;
    };

/** A checkpoint as signed note text. Faults: invalid `audit.checkpoint`. */
export async function signCheckpoint(fields: CheckpointFields): Promise<string> {
  const { origin, size, rootHash, key } = fields;
  const sound =
    isKeyName(origin) && Number.isSafeInteger(size) && size >= 0 && rootHash.length === HASH_BYTES;
  if (!sound) throw malformed("its origin, size or root hash is not one that a checkpoint can name");
  return await signNote(`${origin}\n${size}\n${Buffer.from(rootHash).toString("base64")}\n`, origin, key);
}

/** What a checkpoint says; its signatures are not verified. Faults: invalid `audit.checkpoint`. */
export function parseCheckpoint(source: string): Checkpoint {
  const verdict = inspectCheckpoint(source);
  if (!verdict.ok) throw malformed(verdict.detail);
  return verdict.checkpoint;
}

/** Judges a checkpoint against a pinned key. Faults: invalid `audit.pinned_key` (the key itself is no key). */
export async function verifyCheckpoint(source: string, pinned: PinnedKey): Promise<CheckpointVerdict> {
  const key = readPinnedKey(pinned);
  const note = readNote(source);
  const verdict = readCheckpoint(note);
  if (!verdict.ok || typeof note === "string") return verdict;
  const found = verdict.checkpoint.origin;
  const origin = pinned.origin ?? key.name;
  if (found !== origin) return refused("wrong_origin", `the checkpoint is of ${found}, not of ${origin}`);
  const outcome = await checkNote(note, key);
  if (outcome === "signed") return verdict;
  return outcome === "unsigned"
    ? refused("unsigned", "the checkpoint carries no signature of the pinned key")
    : refused("bad_signature", "the signature of the pinned key does not verify");
}

/** Whether the text is a well-formed checkpoint; no signature is looked at. */
export function inspectCheckpoint(source: string): CheckpointVerdict {
  return readCheckpoint(readNote(source));
}

/** Faults: invalid `audit.pinned_key`. */
export function readPinnedKey(pinned: PinnedKey): NoteKey {
  const fromText = readVerifierKey(pinned.publicKey);
  if (fromText !== undefined) return fromText;
  const isPaserk = /^k4\.public\.[A-Za-z0-9_-]{43}$/.test(pinned.publicKey);
  if (isPaserk && pinned.origin !== undefined) return { name: pinned.origin, publicKey: pinned.publicKey };
  const message = isPaserk
    ? "A k4.public key needs the origin of the log."
    : "The pinned key is not a public key.";
  throw new Fault("invalid", "audit.pinned_key", message);
}

function readCheckpoint(note: Note | string): CheckpointVerdict {
  if (typeof note === "string") return refused("malformed", note);
  const [origin = "", sizeText = "", rootText = "", ...extensions] = note.text.slice(0, -1).split("\n");
  const rootHash = decodeBase64(rootText);
  const size = /^(?:0|[1-9][0-9]{0,15})$/.test(sizeText) ? Number(sizeText) : Number.NaN;
  if (origin === "") return refused("malformed", "the checkpoint names no origin");
  if (!Number.isSafeInteger(size))
    return refused("malformed", "the checkpoint's size is not a decimal number");
  if (rootHash?.length !== HASH_BYTES) return refused("malformed", "the root hash is not 32 bytes of base64");
  if (extensions.includes("")) return refused("malformed", "the checkpoint has an empty line");
  return { ok: true, checkpoint: { origin, size, rootHash, extensions } };
}

function refused(
  problem: Extract<CheckpointVerdict, { ok: false }>["problem"],
  detail: string,
): CheckpointVerdict {
  return { ok: false, problem, detail };
}

function malformed(detail: string): Fault {
  return new Fault("invalid", "audit.checkpoint", `The checkpoint is malformed: ${detail}.`);
}
