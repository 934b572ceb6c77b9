// docs/reasons.md: every code that a refused call can carry, from the one table in contracts.
import { ERROR_CODE, REASONS } from "../../packages/contracts/src/index.ts";

const ERROR_MEANING: Record<keyof typeof ERROR_CODE, string> = {
  capability: "The capability token does not cover the call.",
  intent: "The declared intent does not call for the tool.",
  policy: "The tenant's policy denies the call.",
  budget: "A budget of the capability token is used up.",
  approval_pending: "A person has to approve the call first.",
  upstream_unavailable: "The tool server is down, timed out or answered something that is not MCP.",
  audit_unavailable: "The call could not be recorded, so it was not made.",
};

export function reasonsPage(): string {
  const errors = Object.entries(ERROR_CODE).map(
    ([name, code]) => `| ${code} | \`${name}\` | ${meaningOf(name)} |`,
  );
  const reasons = Object.entries(REASONS).map(([code, sentence]) => `| \`${code}\` | ${sentence} |`);
  return `# Why a call was refused

<!-- Written by deploy/local/generate.ts from packages/contracts/src/reasons.ts; edit that file. -->

A refused call is answered with a JSON-RPC error. Its code says which check refused:

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

function meaningOf(name: string): string {
  return Object.entries(ERROR_MEANING).find(([known]) => known === name)?.[1] ?? "";
}
