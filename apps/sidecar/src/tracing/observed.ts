// A message as whoever watches it sees it: the stage as far as it came, and how it ended. What is read off here are names and codes; arguments,
// prompts, tokens and what a policy or a tool server says in words are none of it.
import type { Capability } from "@postern/contracts";
import type { Findings } from "@postern/decision";
import { METHOD_NAMES } from "@postern/mcp";
import type { Applied } from "@postern/obligation";
import type { Parsed, Received, Refused } from "../stages.ts";
import type { MessageSpans } from "./spans.ts";

/** Any stage, from one whose body could not be read to one that was carried out. */
export interface Observed
  extends Pick<Received, "verb" | "requestId">,
    Partial<Omit<Parsed, "verb" | "requestId">> {
  readonly kind?: "call" | "other";
  readonly tool?: string;
  readonly capability?: Capability;
  readonly decision?: Findings;
  /** There when the decision to carry it out is on record. */
  readonly recorded?: object;
  /** What its obligations did. */
  readonly applied?: readonly Applied[];
  readonly spans?: MessageSpans;
}

export interface Ending {
  /** broken: a part of the answer may have been given. */
  readonly status: "answered" | "refused" | "broken";
  /** What the caller was told instead of an answer. */
  readonly refused?: Refused;
  /** The trouble that ended it. */
  readonly caught?: unknown;
}

/** Whose genuine token came with it; undefined for a caller who proved nothing. */
export const holderOf = (stage: Observed, ending?: Ending): Capability | undefined =>
  stage.capability ?? ending?.refused?.findings.capability;

/** What the judge found, whatever it decided. */
export const findingsOf = (stage: Observed, ending?: Ending): Partial<Findings> =>
  stage.decision ?? ending?.refused?.findings ?? {};

/** Milliseconds that each check took. */
export const timingsOf = ({ timingsMs = {} }: Partial<Findings>): [check: string, ms: number][] =>
  Object.entries(timingsMs);

/** What was decided; undefined where nothing was: a message that is not judged, or that trouble ended. */
export function decisionOf({ recorded }: Observed, { caught, refused }: Ending): string | undefined {
  if (recorded !== undefined) return "allow";
  return caught === undefined ? refused?.decision : undefined;
}

/** What obligations found and did, in the message and in its answer. */
export const appliedOf = ({ applied = [] }: Observed, { refused }: Ending): readonly Applied[] =>
  refused?.applied ?? applied;

/** The id of the event that tells of it, if there is one. */
export const eventIdOf = (stage: Observed, { refused }: Ending): string | undefined =>
  refused?.eventId ?? (stage.recorded === undefined ? undefined : stage.eventId);

/** Of a closed set: a known method, GET, DELETE, or "other". */
export function methodLabel({ verb, method = "" }: Observed): string {
  if (verb !== "POST") return verb;
  return METHOD_NAMES.includes(method) ? method : "other";
}
