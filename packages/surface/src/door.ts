// A door: one wire face of the service. It knows its paths, its credential, its failure envelope and how a call's context is opened;
// it decides nothing about the domain.
import type { FaultKind } from "@postern/contracts";
import type { Fault } from "@postern/fault";
import type { z } from "zod";
import type { Operation, OperationInfo, RequestInfo } from "./operation.ts";

export interface Door<Principal, Context> {
  /** Name of the door and of its security scheme in the OpenAPI document. */
  readonly name: string;
  /** Path prefixes this door answers for, also for what does not exist under them. */
  readonly prefixes: readonly string[];
  /** OpenAPI security scheme object. */
  readonly security: Readonly<Record<string, unknown>>;
  /** Shape of the failure body, for the document. */
  readonly failureBody: z.ZodType;
  /** Who calls. Returns or throws a Fault (unauthenticated, limited) when the credential does not do. */
  authenticate(request: RequestInfo): Principal | Fault | Promise<Principal | Fault>;
  /** Whether the principal may run a row of this permission: undefined, or the Fault (forbidden, not_found). */
  authorize(principal: Principal, permission: string): Fault | undefined;
  /**
   * Runs the work in the context of one call: a transaction, a clock, an audit recorder. When the work throws, nothing it wrote may stay;
   * the reply was already checked when the work returns. A stream's items are pulled after this has returned.
   * `principal` is undefined for public rows only.
   */
  within<T>(call: DoorCall<Principal>, work: (context: Context) => Promise<T>): Promise<T>;
  /** The failure on the wire; most doors use `failureStatus(fault)`. `headers` may add WWW-Authenticate or Retry-After. */
  failure(fault: Fault, request: RequestInfo): Failure;
  /** Hears of each answered request once, and again with a fault when its stream breaks off; for logs and metrics. */
  report?(outcome: Outcome<Principal>): void;
  readonly limits?: { readonly bodyBytesMax?: number };
}

export interface DoorCall<Principal> {
  readonly principal: Principal | undefined;
  readonly operation: OperationInfo;
  readonly request: RequestInfo;
}

export interface Failure {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Outcome<Principal> {
  readonly request: RequestInfo;
  /** undefined when no row answers to path and method. */
  readonly operation: OperationInfo | undefined;
  readonly principal: Principal | undefined;
  readonly status: number;
  readonly fault: Fault | undefined;
  /** Until the reply's headers were ready; a stream goes on after that. */
  readonly durationMs: number;
}

/** A door together with its rows. */
export interface Surface<Principal, Context> {
  readonly door: Door<Principal, Context>;
  readonly rows: readonly Operation<Context>[];
}

const STATUS = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  precondition: 412,
  too_large: 413,
  limited: 429,
  upstream: 502,
  unavailable: 503,
  internal: 500,
} as const satisfies Record<FaultKind, number>;

const STATUS_BY_CODE: Readonly<Record<string, number>> = {
  "http.method": 405,
  "http.media_type": 415,
  "http.encoding": 415,
};

/** The HTTP status that says what a Fault says. */
export function failureStatus(fault: Fault): number {
  return STATUS_BY_CODE[fault.code] ?? STATUS[fault.kind];
}
