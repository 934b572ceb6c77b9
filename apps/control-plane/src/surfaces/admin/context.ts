// What a row of the admin door works with: who asks, a unit of work in that name, and the domain.

import type { JsonObject } from "@postern/contracts";
import type { Clock } from "@postern/fault";
import { decodeCursor, encodeCursor, filterHash, operationsFor } from "@postern/surface";
import type { Logger } from "@postern/telemetry";
import type { Minted, MintRequest } from "../../domain/capabilities/model.ts";
import type { Nouns } from "../../domain/nouns.ts";
import type { Act, Work } from "../../domain/unit.ts";
import type { AdminPrincipal, Scope } from "./principal.ts";
import type { Permission } from "./roles.ts";

export interface AdminContext extends Nouns {
  /** Who asks. */
  readonly principal: AdminPrincipal;
  /** The only way from what a call names to the tenant it is about. */
  readonly scope: Scope;
  readonly work: Work;
  /** Whether whoever asks may also do what rows of another permission do. */
  may(permission: Permission): boolean;
  readonly clock: Clock;
  readonly log: Logger;
  readonly cursorSecret: Uint8Array;
  /** Mints, together with whoever asks for the same tenant at this moment: one transaction for all of them. */
  mint(request: MintRequest): Promise<Minted>;
  /** Tells in the chain that something was read. Waited for, but a failure does not take the answer away. */
  tellRead(act: Act): Promise<void>;
}

export const operation = operationsFor<AdminContext>();

type Key = ReturnType<typeof decodeCursor>;

/** A list that is read page by page: its name, and everything that it is filtered by. */
export interface PagedList {
  readonly sort: string;
  readonly filter: JsonObject;
}

/** Where the page before ended; undefined for the first page. Raises Fault invalid "cursor.invalid". */
export function startOf(context: AdminContext, list: PagedList, cursor: string | undefined): Key | undefined {
  if (cursor === undefined) return undefined;
  return decodeCursor(cursor, context.cursorSecret, identityOf(list));
}

/** A page as document 001 has it. `items` may hold one more than `limit`, which tells that there is another page. */
export function pageOfItems<T, View>(
  context: AdminContext,
  list: PagedList,
  options: { items: readonly T[]; limit: number; keyOf: (item: T) => Key; view: (item: T) => View },
): { items: View[]; next_cursor?: string } {
  const { items, limit, keyOf, view } = options;
  const page = items.slice(0, limit);
  const last = page.at(-1);
  if (items.length <= limit || last === undefined) return { items: page.map(view) };
  const next = encodeCursor({ ...identityOf(list), key: keyOf(last) }, context.cursorSecret);
  return { items: page.map(view), next_cursor: next };
}

function identityOf({ sort, filter }: PagedList) {
  return { v: 1, sort, filterHash: filterHash(filter) };
}
