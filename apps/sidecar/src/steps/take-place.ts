// Step 4, for what lasts: a session, or a stream that nobody's answer ends, takes one of the places that its capability root has, so that no
// token can take the room of all others. A place is given back when the stream ends, or passes to the session that was opened.
import { ERROR_CODE, reason } from "@postern/contracts";
import type { Vigil } from "../halts/vigil.ts";
import { rootOf, type Sessions } from "../sessions.ts";
import { type Authenticated, grow, type Placed, type Refused, refuse, staysOpen } from "../stages.ts";
import type { Tally } from "../tally.ts";

export interface PlacePorts {
  readonly sessions: Pick<Sessions, "open">;
  /** Open streams, by capability root. */
  readonly streams: Tally;
  readonly vigil: Pick<Vigil, "watch">;
  readonly streamsPerRootMax: number;
}

export function takePlace<S extends Authenticated>(
  stage: S,
  { sessions, streams, streamsPerRootMax, vigil }: PlacePorts,
): Placed<S> | Refused {
  if (stage.method === "initialize") {
    const leave = sessions.open(stage.capability);
    return leave === undefined ? refuseMore(stage, "budget.sessions") : grow(stage, { leave });
  }
  if (!staysOpen(stage)) return grow(stage, { leave: NOTHING_TO_LEAVE });
  const root = rootOf(stage.capability);
  if (streams.of(root) >= streamsPerRootMax) return refuseMore(stage, "budget.streams");
  const leave = streams.add(root);
  const watch = vigil.watch(stage);
  return grow(stage, {
    over: watch.over,
    leave() {
      watch.leave();
      leave();
    },
  });
}

const NOTHING_TO_LEAVE = () => {};

const refuseMore = (stage: Authenticated, code: "budget.sessions" | "budget.streams"): Refused =>
  refuse(stage, {
    status: stage.verb === "POST" ? 200 : 429,
    code: ERROR_CODE.budget,
    check: "budget",
    reasons: [reason(code)],
    findings: { capability: stage.capability },
  });
