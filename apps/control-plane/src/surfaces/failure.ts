// A Fault on the wire, for the doors that speak as document 001 does: a sentence in `error`, and beside it our stable `code`.
import type { Fault } from "@postern/fault";
import { type Failure, failureStatus } from "@postern/surface";
import { z } from "zod";

export const FailureBody = z.strictObject({
  error: z.string().describe("A sentence for people."),
  code: z.string().describe("A stable word for programs."),
});

export function failureOf(fault: Fault): Failure {
  const status = failureStatus(fault);
  const headers: Record<string, string> = {};
  if (status === 401) headers["www-authenticate"] = "Bearer";
  if (status === 429 || status === 503) headers["retry-after"] = "5";
  return {
    status,
    body: { error: fault.message, code: fault.code } satisfies z.infer<typeof FailureBody>,
    headers,
  };
}
