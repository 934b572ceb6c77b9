// What can go wrong between us and a service, as Faults. The service's own sentence is kept when it sent one.
import type { FaultKind } from "@postern/contracts";
import { Fault } from "@postern/fault";

const KIND_BY_STATUS: Readonly<Record<number, FaultKind>> = {
  401: "unauthenticated",
  403: "forbidden",
  404: "not_found",
  408: "unavailable",
  409: "conflict",
  412: "precondition",
  413: "too_large",
  429: "limited",
  503: "unavailable",
};
const SENTENCE_CHARS_MAX = 4096;
const CODE = /^[a-z][a-z0-9_.]{0,63}$/;

/** The Fault that an unsuccessful status stands for, under the code that the service gave, else "client.refused". */
export function refusal(status: number, body: Uint8Array): Fault {
  const kind = KIND_BY_STATUS[status] ?? (status >= 400 && status < 500 ? "invalid" : "upstream");
  const { message = `The service answered with HTTP status ${status}.`, code = "client.refused" } =
    envelopeOf(body);
  return new Fault(kind, code, message, { detail: `HTTP ${status}` });
}

/** The Fault for an exchange that broke: unavailable "client.timeout", "client.cancelled" or "client.unreachable". */
export function breakage(
  caught: unknown,
  what: string,
  caller: AbortSignal | undefined,
  deadline: AbortSignal,
): Fault {
  if (caught instanceof Fault) return caught;
  const reason = innermost(caught);
  const options = { detail: `${what}: ${reason}`, cause: caught };
  if (caller?.aborted)
    return new Fault("unavailable", "client.cancelled", "The request was cancelled.", options);
  if (deadline.aborted)
    return new Fault("unavailable", "client.timeout", "The service did not answer in time.", options);
  return new Fault(
    "unavailable",
    "client.unreachable",
    `The service cannot be reached (${reason}).`,
    options,
  );
}

export function malformed(detail: string): Fault {
  return new Fault("upstream", "client.malformed", "The service's answer cannot be understood.", { detail });
}

/** `{"error": sentence, "code": word}`, as far as it is there. */
function envelopeOf(body: Uint8Array): { message?: string; code?: string } {
  try {
    const { error, code } = Object(JSON.parse(new TextDecoder().decode(body)));
    return {
      ...(typeof error === "string" ? { message: error.slice(0, SENTENCE_CHARS_MAX) } : {}),
      ...(typeof code === "string" && CODE.test(code) ? { code } : {}),
    };
  } catch {
    return {};
  }
}

/** What went wrong on the wire, such as "ECONNREFUSED", may be hidden in the cause of an error, or one deeper. */
function innermost(caught: unknown): string {
  let reason = caught;
  for (let depth = 0; depth < 4 && reason instanceof Error && reason.cause !== undefined; depth += 1)
    reason = reason.cause;
  if (!(reason instanceof Error)) return String(reason);
  return "code" in reason && typeof reason.code === "string" ? reason.code : reason.message;
}
