// Where an event stands in its tenant's chain, read from an export and checked here: the page hashes what it was given by itself, so that
// the number on the screen is not merely the server's word (docs/formats.md, "chain entry").

export interface ChainPlace {
  readonly index: number;
  readonly hash: string;
  readonly prevHash: string;
  /** The event as it was hashed, byte for byte. */
  readonly eventJson: string;
}

// Exported lines have canonical keys and hexadecimal hashes, so the event's text is what stands between them.
const LINE = /^\{"event":(\{.*\}),"hash":"([0-9a-f]{64})","index":(\d+),"prev_hash":"([0-9a-f]{64})"\}$/s;

/** The line of the event in an NDJSON export; undefined when it is not there. */
export function findPlace(ndjson: string, eventId: string): ChainPlace | undefined {
  return ndjson
    .split("\n")
    .map(readLine)
    .find((place) => place !== undefined && eventIdOf(place) === eventId);
}

/** SHA-256(0x00 ‖ event ‖ previous hash) in hexadecimal. */
export async function hashOf(place: ChainPlace, subtle: SubtleCrypto): Promise<string> {
  const event = new TextEncoder().encode(place.eventJson);
  const previous = Uint8Array.from(place.prevHash.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  const preimage = Uint8Array.of(0, ...event, ...previous);
  const digest = new Uint8Array(await subtle.digest("SHA-256", preimage));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function readLine(line: string): ChainPlace | undefined {
  const [, eventJson = "", hash = "", index = "", prevHash = ""] = LINE.exec(line) ?? [];
  return eventJson === "" ? undefined : { eventJson, hash, prevHash, index: Number(index) };
}

function eventIdOf({ eventJson }: ChainPlace): unknown {
  try {
    return (JSON.parse(eventJson) as { event_id?: unknown }).event_id;
  } catch {
    return undefined;
  }
}
