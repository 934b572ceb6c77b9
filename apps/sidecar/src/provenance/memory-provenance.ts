// Whether the memories that a call rests on were written under its own token. None are none to doubt, unless there must be some; what cannot be
// verified for want of a key is refused like what does not verify.
import { type Capability, PROVENANCE_CHARS_MAX, type Reason, reason } from "@postern/contracts";
import type { JudgePorts } from "@postern/decision";
import { verifyProvenance } from "@postern/intent";
import type { MemoryKeys } from "./memory-keys.ts";

export interface MemoryRules {
  readonly keys: MemoryKeys;
  /** Whether a tool may be called only with memories that verify. */
  readonly isRequired: boolean;
}

export function createMemoryProvenance({ keys, isRequired }: MemoryRules): NonNullable<JudgePorts["memory"]> {
  return {
    refusalOf(holder, { header, isTool }) {
      if (header === undefined) return isRequired && isTool ? MISSING : undefined;
      // Before anybody is asked for a key.
      if (header.length > PROVENANCE_CHARS_MAX) return reason("intent.provenance");
      const key = keys.keyOf(holder.rootJti);
      if (!(key instanceof Promise)) return judge(holder, header, key, isRequired && isTool);
      return key.then((later) => judge(holder, header, later, isRequired && isTool));
    },
  };
}

const MISSING = reason(
  "intent.provenance",
  "The memory that the call rests on is required: send it as 'X-Intent-Memory-Provenance'.",
);
const NO_KEY = reason("intent.unavailable", "The memory that the call rests on could not be verified.");

function judge(
  { rootJti }: Capability,
  header: string,
  key: Uint8Array | undefined,
  mustHold: boolean,
): Reason | undefined {
  if (key === undefined) return NO_KEY;
  const finding = verifyProvenance(header, { key, sessionId: rootJti });
  if (!finding.ok)
    return reason(
      "intent.provenance",
      `The memory that the call rests on does not verify. ${finding.problem}`,
    );
  return mustHold && finding.entries === 0 ? MISSING : undefined;
}
