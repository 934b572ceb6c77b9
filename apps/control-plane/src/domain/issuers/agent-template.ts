// Names the agent out of claims. What an identity provider lets its users choose must not become another agent's name: a value is filled in
// once and as it is, holds only harmless characters, and never the character that the template puts between it and the next value, so that
// different claims never make one name.
import { claimAt } from "./claim-path.ts";
import type { Claims } from "./model.ts";

export type Filled =
  | { readonly ok: true; readonly agent: string }
  | { readonly ok: false; readonly problem: string };

const PLACEHOLDER = /\$\{([^}]*)\}([^$]*)/gu;
const VALUE = /^[A-Za-z0-9_-][A-Za-z0-9._@:|+=~-]{0,127}$/;
const AGENT_CHARS_MAX = 200;

/** The template is one that contracts' `AgentTemplate` accepts. */
export function fillTemplate(template: string, claims: Claims): Filled {
  const problems: string[] = [];
  const agent = template.replace(PLACEHOLDER, (_, path: string, after: string, at: number) => {
    const value = textOf(claimAt(claims, path.startsWith("/") ? path : `/${path}`));
    const isLast = template.indexOf("${", at + 2) < 0;
    const isUsable =
      value !== undefined &&
      VALUE.test(value) &&
      !value.includes("..") &&
      (isLast || !value.includes(after.charAt(0)));
    if (!isUsable) problems.push(`The claim ${path} is absent or cannot be part of an agent's name.`);
    return isUsable ? value + after : "";
  });
  if (agent.length > AGENT_CHARS_MAX) problems.push("The agent's name would be too long.");
  const [problem] = problems;
  return problem === undefined ? { ok: true, agent } : { ok: false, problem };
}

function textOf(claim: unknown): string | undefined {
  if (typeof claim === "string") return claim;
  return Number.isSafeInteger(claim) ? String(claim) : undefined;
}
