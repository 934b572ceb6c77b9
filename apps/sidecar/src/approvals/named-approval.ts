// Which approval a repeated call names, if it names one: in the state that it was given to come back with, in a header, or in `_meta`. To name one
// is a courtesy: it is the digest of the call that finds its approval.
import { member, metaOf } from "@postern/mcp";
import type { IdentifiedCall } from "../stages.ts";
import { APPROVAL_KEY, readPendingId } from "./user-questions.ts";

/** How a caller is told to come back. */
export const RESUME = { header: "X-Postern-Approval-Id", meta: APPROVAL_KEY } as const;
/** The header under its older name. */
export const RESUME_HEADER_ALIAS = "X-IntentGate-Approval-Id";

const HEADERS = [RESUME.header, RESUME_HEADER_ALIAS].map((name) => name.toLowerCase());

/** undefined: none is named. `pendingId` undefined: what is named cannot be one. */
export function namedApproval({
  headers,
  message,
  returned,
}: Pick<IdentifiedCall, "headers" | "message" | "returned">):
  | { readonly pendingId: string | undefined }
  | undefined {
  if (returned !== undefined) return { pendingId: readPendingId(returned.pendingId) };
  const meta = message === undefined ? undefined : metaOf(message);
  const inHeader = HEADERS.map((name) => headers.get(name)).find((value) => value !== undefined);
  const given = inHeader ?? (meta && member(meta, APPROVAL_KEY));
  return given === undefined ? undefined : { pendingId: readPendingId(given) };
}
