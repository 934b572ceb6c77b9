// Time and randomness enter the product here, so that everything above takes them as values and tests can fix them.
import { randomFillSync } from "node:crypto";

export interface Clock {
  /** Wall clock, milliseconds since the Unix epoch. */
  nowMs(): number;
  /** Milliseconds on a clock that never steps back; only differences mean something. */
  monotonicMs(): number;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};

/** Makes a fresh identifier, safe in URLs and file names. */
export type NewId = () => string;

/** UUID version 7 (RFC 9562 §5.7): sorts by time of making, 74 random bits. */
export const randomId: NewId = () => {
  const time = Date.now().toString(16).padStart(12, "0");
  const random = nextRandomHex();
  const variant = VARIANTS[Number.parseInt(random.charAt(3), 16) & 3];
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(0, 3)}-${variant}${random.slice(4, 7)}-${random.slice(7)}`;
};

/** The two highest bits of the variant octet are "10". */
const VARIANTS = ["8", "9", "a", "b"] as const;

/** Random bytes are drawn for many ids at a time: asking the system costs as much for ten as for thousands. Ids are no secrets. */
const pool = Buffer.alloc(4_000);
const ID_BYTES = 10;
let used = pool.byteLength;

function nextRandomHex(): string {
  if (used + ID_BYTES > pool.byteLength) {
    randomFillSync(pool);
    used = 0;
  }
  used += ID_BYTES;
  // One digit too many: 19 are needed.
  return pool.toString("hex", used - ID_BYTES, used).slice(1);
}
