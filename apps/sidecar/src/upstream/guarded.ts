// Keeps one tool server's trouble, and one caller's greed, from becoming everybody's: so many calls at once for the tool server and for each
// principal, and none while it is known to be down. Nothing waits here; what does not fit is told so at once, unsent. Streams that stay open
// are not counted: they are many, idle, and bounded elsewhere.
import type { Clock } from "@postern/fault";
import { type CircuitOptions, createCircuit } from "./circuit.ts";
import {
  busyFault,
  circuitFault,
  isOutage,
  opensStream,
  type Upstream,
  type UpstreamRequest,
  type UpstreamResponse,
} from "./upstream.ts";

export interface GuardOptions extends Omit<CircuitOptions, "clock"> {
  /** Calls that may run at once. */
  readonly callsMax: number;
  /** Calls of one principal that may run at once. */
  readonly callsPerPrincipalMax: number;
  readonly clock: Clock;
}

/** `forward` also throws limited "upstream.busy" and "upstream.circuit_open"; neither was sent. */
export function guardUpstream(upstream: Upstream, options: GuardOptions): Upstream {
  const { callsMax, callsPerPrincipalMax } = options;
  const circuit = createCircuit(options);
  /** Of each principal that has a call running. */
  const runningOf = new Map<string, number>();
  let running = 0;
  let idlers: (() => void)[] = [];

  const leave = (principal: string | undefined) => {
    running -= 1;
    if (running === 0) {
      for (const resolve of idlers) resolve();
      idlers = [];
    }
    if (principal === undefined) return;
    const left = (runningOf.get(principal) ?? 1) - 1;
    if (left === 0) runningOf.delete(principal);
    else runningOf.set(principal, left);
  };

  function forwardCall(request: UpstreamRequest, signal: AbortSignal): Promise<UpstreamResponse> {
    const { principal } = request;
    const own = principal === undefined ? 0 : (runningOf.get(principal) ?? 0);
    if (running >= callsMax)
      return Promise.reject(
        busyFault(`The tool server is given ${callsMax} calls at once and no more; try again.`),
      );
    if (own >= callsPerPrincipalMax)
      return Promise.reject(
        busyFault(
          `One caller may have ${callsPerPrincipalMax} calls at the tool server at once and no more; try again.`,
        ),
      );
    const attempt = circuit.enter();
    if (attempt === undefined) return refuseOpen();
    running += 1;
    if (principal !== undefined) runningOf.set(principal, own + 1);
    return upstream.forward(request, signal).then(
      (response) => {
        const isFailure = response.status >= 500;
        attempt.answered(isFailure);
        response.body.onOver((failure) => {
          leave(principal);
          attempt.ended(isFailure || isOutage(failure));
        });
        return response;
      },
      (caught: unknown) => {
        leave(principal);
        attempt.failed(isOutage(caught));
        throw caught;
      },
    );
  }

  const refuseOpen = () =>
    Promise.reject(
      circuitFault(
        `The tool server failed several times in a row and is left alone for ${Math.ceil(circuit.waitMs())} ms.`,
      ),
    );

  return {
    name: upstream.name,
    forward(request, signal) {
      if (!opensStream(request)) return forwardCall(request, signal);
      return circuit.isOpen() ? refuseOpen() : upstream.forward(request, signal);
    },
    load: () => ({ calls: running, isLeftAlone: circuit.isOpen() }),
    idle: () => (running === 0 ? Promise.resolve() : new Promise((resolve) => idlers.push(resolve))),
    probe: upstream.probe,
    close: upstream.close,
  };
}
