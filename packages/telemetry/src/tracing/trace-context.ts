// Where in a trace a message stands (W3C Trace Context, level 1), as its sender says. What is not exactly of the format says nothing: then a
// new trace begins, since half a context would tie a call to a trace that it does not belong to. Nothing is ever decided by it.

export interface TraceContext {
  /** 32 hexadecimal digits, lower case, not all zero. */
  readonly traceId: string;
  /** 16 hexadecimal digits, lower case, not all zero. */
  readonly spanId: string;
  readonly isSampled: boolean;
  /** `tracestate` as it is sent on; "" = none. */
  readonly state: string;
}

const PARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const ZEROES = /^0+$/;
const SAMPLED = 1;

/** The context that `traceparent` and `tracestate` name; undefined when `parent` is not one. A bad `state` is dropped by itself. */
export function readTraceContext(parent: unknown, state: unknown): TraceContext | undefined {
  const [, traceId, spanId, flags] = (typeof parent === "string" && PARENT.exec(parent)) || [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  if (ZEROES.test(traceId) || ZEROES.test(spanId)) return undefined;
  const isSampled = (Number.parseInt(flags, 16) & SAMPLED) === SAMPLED;
  return { traceId, spanId, isSampled, state: readState(state) };
}

/** `traceparent` of this context. */
export const traceParentOf = ({ traceId, spanId, isSampled }: TraceContext): string =>
  `00-${traceId}-${spanId}-${isSampled ? "01" : "00"}`;

const STATE_CHARACTERS_MAX = 512;
const MEMBERS_MAX = 32;
/** W3C Trace Context §3.3.1.3: a key, simple or with the system of a tenant, and a value of printable ASCII without "," and "=". */
const MEMBER =
  /^([a-z][a-z0-9_*/-]{0,255}|[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13})=([ -+\--<>-~]{0,255}[!-+\--<>-~])$/;

function readState(state: unknown): string {
  if (typeof state !== "string" || state.length > STATE_CHARACTERS_MAX) return "";
  const members = state
    .split(",")
    .map((member) => member.replaceAll(/^[ \t]+|[ \t]+$/g, ""))
    .filter((member) => member !== "");
  const keys = new Set(members.map((member) => MEMBER.exec(member)?.[1]));
  const isWhole = !keys.has(undefined) && keys.size === members.length && members.length <= MEMBERS_MAX;
  return isWhole ? members.join(",") : "";
}
