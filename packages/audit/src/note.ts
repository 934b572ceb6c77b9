// C2SP signed notes (https://c2sp.org/signed-note): a text, a blank line, and one signature line per key. Only Ed25519 keys
// sign here; lines of other keys, such as witness cosignatures, are kept and otherwise ignored.
import { publicKeyBytes, type SigningKey, verifyBytes } from "@postern/signing";
import { sameBytes, sha256, toHex } from "./hash.ts";

/** Signature type byte of plain Ed25519. */
const ED25519 = 0x01;
const KEY_HASH_BYTES = 4;
const SIGNATURES_MAX = 100;
const NOTE_CHARS_MAX = 1_000_000;
/** U+2014 EM DASH, a space, the key's name, a space, base64. */
const SIGNATURE_LINE = /^\u2014 ([^\s+]+) ([A-Za-z0-9+/]+={0,2})$/u;
// biome-ignore lint/suspicious/noControlCharactersInRegex: notes may hold no control character but the line feed.
const CONTROL = /[\u0000-\u0009\u000b-\u001f]/;

export interface NoteSignature {
  readonly name: string;
  /** First four bytes of the key's hash; tells apart keys of one name. */
  readonly keyHash: Uint8Array;
  readonly signature: Uint8Array;
}

export interface Note {
  /** What is signed; ends with a line feed. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** A verifier's key: what a verifier key text (`vkey`) says. */
export interface NoteKey {
  readonly name: string;
  /** `k4.public.…` */
  readonly publicKey: string;
}

/** The note of `text` (which must end with a line feed) signed under `name`. */
export async function signNote(text: string, name: string, key: SigningKey): Promise<string> {
  const signature = await key.signBytes(Buffer.from(text));
  const line = Buffer.concat([keyHashOf({ name, publicKey: key.publicKey }), signature]);
  return `${text}\n\u2014 ${name} ${line.toString("base64")}\n`;
}

/** The note that `source` holds, or what is wrong with it. Nothing is verified. */
export function readNote(source: string): Note | string {
  if (source.length > NOTE_CHARS_MAX) return "the note is too long";
  if (!source.isWellFormed() || CONTROL.test(source))
    return "the note holds characters that no note may hold";
  const end = source.lastIndexOf("\n\n");
  if (end === -1 || !source.endsWith("\n")) return "the note has no signature lines";
  const lines = source.slice(end + 2, -1).split("\n");
  if (lines.length > SIGNATURES_MAX) return `the note has more than ${SIGNATURES_MAX} signatures`;
  const signatures: NoteSignature[] = [];
  for (const line of lines) {
    const signature = readSignature(line);
    if (signature === undefined) return "the note has a malformed signature line";
    signatures.push(signature);
  }
  return { text: source.slice(0, end + 1), signatures };
}

/**
 * Whether `key` signed the note: "unsigned" when no line is of this key, "forged" when a line claims to be and is not.
 */
export async function checkNote(note: Note, key: NoteKey): Promise<"signed" | "unsigned" | "forged"> {
  const keyHash = keyHashOf(key);
  const lines = note.signatures.filter((line) => line.name === key.name && sameBytes(line.keyHash, keyHash));
  if (lines.length === 0) return "unsigned";
  for (const line of lines) {
    if (!(await verifyBytes(Buffer.from(note.text), line.signature, key.publicKey))) return "forged";
  }
  return "signed";
}

/** The key as verifier key text: `<name>+<key hash>+<base64(0x01 ‖ public key)>`. Faults: invalid `signing.key`. */
export function printVerifierKey(key: NoteKey): string {
  const encoded = Buffer.from([ED25519, ...publicKeyBytes(key.publicKey)]).toString("base64");
  return `${key.name}+${toHex(keyHashOf(key))}+${encoded}`;
}

/** The key that a verifier key text names; undefined when the text is malformed, of another kind, or its hash is wrong. */
export function readVerifierKey(text: string): NoteKey | undefined {
  const [, name, hash, encoded] = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})$/u.exec(text) ?? [];
  const bytes = encoded === undefined ? undefined : decodeBase64(encoded);
  if (name === undefined || bytes?.length !== 33 || bytes[0] !== ED25519) return undefined;
  const key = { name, publicKey: `k4.public.${bytes.subarray(1).toString("base64url")}` };
  return toHex(keyHashOf(key)) === hash ? key : undefined;
}

/** Whether `name` may name a key: no white space, no plus sign. */
export function isKeyName(name: string): boolean {
  return /^[^\s+]+$/u.test(name) && name.isWellFormed() && !CONTROL.test(name);
}

/** Bytes of canonical, padded base64, or undefined. */
export function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, "base64");
  return bytes.toString("base64") === text ? bytes : undefined;
}

/** First four bytes of SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public key). */
function keyHashOf(key: NoteKey): Uint8Array {
  const preimage = [Buffer.from(key.name), Buffer.from([0x0a, ED25519]), publicKeyBytes(key.publicKey)];
  return sha256(Buffer.concat(preimage)).subarray(0, KEY_HASH_BYTES);
}

function readSignature(line: string): NoteSignature | undefined {
  const [, name, encoded] = SIGNATURE_LINE.exec(line) ?? [];
  const bytes = encoded === undefined ? undefined : decodeBase64(encoded);
  if (name === undefined || bytes === undefined || bytes.length <= KEY_HASH_BYTES) return undefined;
  return { name, keyHash: bytes.subarray(0, KEY_HASH_BYTES), signature: bytes.subarray(KEY_HASH_BYTES) };
}
