// What the judge is asked and what it answers. Denial is a value: whoever asks must say what happens then.
import type { Reservation } from "@postern/budget";
import type {
  Capability,
  Check,
  ERROR_CODE,
  Intent,
  JsonObject,
  PolicyDecision,
  PolicyInput,
  PolicyPointer,
  Reason,
} from "@postern/contracts";

/**
 * One thing that is asked for, as the upstream would be asked. `tool` is the tool's name in a tools/call, and in any other method the
 * method itself, with its params as `args` (see PolicyInput).
 */
export interface CallRequest {
  readonly token: string | undefined;
  /** The MCP method. Only a tools/call has an intent. */
  readonly method: string;
  readonly tool: string;
  readonly args: JsonObject;
  readonly upstream: string;
  readonly intentPrompt: string | undefined;
  /** The memories that the call rests on, as they were sent. */
  readonly memoryProvenance?: string | undefined;
  readonly sessionId: string;
  readonly remoteAddress: string;
  readonly requestId: string;
  /**
   * A person approved exactly this call, as its asker has made sure of: a policy that asks for a person is content, and everything else is judged
   * as ever. The approval is for one policy: the asker compares the pointer of the decision with what was approved.
   */
  readonly approval?: NonNullable<PolicyInput["approval"]>;
}

/** Any message to a tool server, as far as it is judged without knowing what it asks with. `tool` is absent where it asks for nothing. */
export type MessageRequest = Pick<CallRequest, "token" | "upstream"> & Partial<Pick<CallRequest, "tool">>;

/** What somebody wants to see in a list. A resource or prompt is what its `args` name; a tool has none yet. */
export type ListRequest = Omit<CallRequest, "args" | "intentPrompt" | "memoryProvenance" | "approval"> &
  Partial<Pick<CallRequest, "args">>;

/** What was learnt on the way, however far it went: audit events are written from it. */
export interface Findings {
  readonly capability?: Capability;
  readonly intent?: Intent;
  readonly policy?: PolicyDecision;
  readonly pointer?: PolicyPointer;
  /** Milliseconds spent in each check that ran. */
  readonly timingsMs: Readonly<Partial<Record<Check, number>>>;
}

export interface Allowed extends Findings {
  readonly outcome: "allow";
  readonly capability: Capability;
  readonly policy: PolicyDecision;
  readonly pointer: PolicyPointer;
  /** Settle it when the call ran, release it when it provably did not. */
  readonly reservation: Reservation;
}

export interface Denied extends Findings {
  readonly outcome: "deny";
  readonly check: Check;
  readonly code: (typeof ERROR_CODE)[keyof typeof ERROR_CODE];
  readonly reasons: readonly Reason[];
}

export interface Escalated extends Findings {
  readonly outcome: "escalate";
  readonly check: "policy";
  readonly code: typeof ERROR_CODE.approval_pending;
  readonly reasons: readonly Reason[];
  readonly capability: Capability;
  readonly policy: PolicyDecision;
  readonly pointer: PolicyPointer;
}

export type Decision = Allowed | Denied | Escalated;

/** Answer of one check: what it found, or why it refuses. */
export type Finding<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly reason: Reason };

/** Whether a token stands for a message. `capability` is there also with a refusal, as soon as every signature was verified. */
export type Standing =
  | { readonly ok: true; readonly capability: Capability }
  | { readonly ok: false; readonly capability: Capability | undefined; readonly reason: Reason };

export const found = <T>(value: T): Finding<T> => ({ ok: true, value });
export const refused = (reason: Reason): Finding<never> => ({ ok: false, reason });
