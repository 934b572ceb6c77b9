// The calls of the past that a sample names, newest first, read page by page: nothing holds more of them than one page.
import type { Executor } from "../../database/connection.ts";
import type { Audit } from "../audit/service.ts";
import type { Capabilities } from "../capabilities/service.ts";
import type { Work } from "../unit.ts";
import type { PastCall, Selection } from "./model.ts";
import { pastCall } from "./past-call.ts";

const PAGE = 500;
/** Events that may be looked through, since not every event is of a call that reached the policy. */
const EVENTS_MAX = 50_000;

export interface HistoryPorts {
  readonly audit: Pick<Audit, "replay">;
  readonly capabilities: Pick<Capabilities, "issued">;
  readonly read: Work["read"];
}

/** Returns whether everything that was named was looked through. */
export async function* pastCalls(
  { audit, capabilities, read }: HistoryPorts,
  tenant: string,
  selection: Selection,
): AsyncGenerator<PastCall, { isWhole: boolean }> {
  const { limit: callsMax, ...named } = selection;
  let before: number | undefined;
  let [seen, given] = [0, 0];

  async function readPage(executor: Executor) {
    const events = await audit.replay(executor, { tenant, ...named }, { limit: PAGE, before });
    const roots = new Set(events.map(({ event }) => event.root_capability_token_id));
    roots.delete("");
    return { events, issued: await capabilities.issued(executor, tenant, [...roots]) };
  }

  for (;;) {
    const { events, issued } = await read(readPage);
    for (const each of events) {
      const call = pastCall(each, issued.get(each.event.root_capability_token_id));
      if (call === undefined) continue;
      yield call;
      given += 1;
      if (given === callsMax) return { isWhole: true };
    }
    seen += events.length;
    before = events.at(-1)?.position;
    if (events.length < PAGE) return { isWhole: true };
    if (seen >= EVENTS_MAX) return { isWhole: false };
  }
}
