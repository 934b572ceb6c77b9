// docs/reasons.md: every code that a refused call can carry, from the one table in contracts.
import { type Check, ERROR_CODE, REASONS } from "../../packages/contracts/src/index.ts";

type ErrorName = keyof typeof ERROR_CODE;

/** `check` is what a reply with the code names in `data.check`; a code tells more than that where one check refuses in two ways. */
const ERRORS: Record<ErrorName, { check: Check; meaning: string }> = {
  capability: { check: "capability", meaning: "The capability token does not cover the call." },
  intent: { check: "intent", meaning: "The declared intent does not call for the tool." },
  policy: { check: "policy", meaning: "The tenant's policy denies the call." },
  budget: { check: "budget", meaning: "A budget of the capability token is used up." },
  approval_pending: { check: "policy", meaning: "A person has to approve the call first." },
  pii: {
    check: "pii",
    meaning:
      "The policy lets personal data or a secret in the request or the answer neither pass nor be redacted.",
  },
  output_schema: {
    check: "output_schema",
    meaning: "The answer does not fit the schema or the size that the policy sets.",
  },
  pin: { check: "pin", meaning: "The tool's definition is not the one that was approved." },
  upstream_unavailable: {
    check: "upstream",
    meaning: "The tool server is down, busy, timed out or answered something that is not MCP.",
  },
  audit_unavailable: { check: "audit", meaning: "The call could not be recorded, so it was not made." },
};

export function reasonsPage(): string {
  const errors = Object.entries(ERRORS).map(
    ([name, { check, meaning }]) => `| ${ERROR_CODE[name as ErrorName]} | \`${check}\` | ${meaning} |`,
  );
  const reasons = Object.entries(REASONS).map(([code, sentence]) => `| \`${code}\` | ${sentence} |`);
  return `# Why a call was refused

<!-- Written by deploy/local/generate.ts from packages/contracts/src/reasons.ts; edit that file. -->

A refused call is answered with a JSON-RPC error. Its code says what refused, and \`data.check\` names the check:

| Code | Check | Meaning |
|---|---|---|
${errors.join("\n")}

Its \`data.reason\` holds one of the codes below, which are stable; \`data.detail\` holds a sentence, which may change and may be
more exact than the one given here. Audit events name the same codes.

| Reason | Sentence |
|---|---|
${reasons.join("\n")}
`;
}
