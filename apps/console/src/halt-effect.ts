// What a kill switch stops, in a sentence that somebody who is about to press it can check.
import type { HaltScope } from "@postern/contracts";

export const SCOPES: readonly (readonly [scope: HaltScope, title: string])[] = [
  ["agent", "One agent"],
  ["tool", "One tool, or all that a pattern matches"],
  ["token", "One token"],
  ["subtree", "A token and all that is derived from it"],
  ["tenant", "This tenant"],
  ["global", "Everybody"],
];

/** Whether the scope needs the name of what is stopped. */
export function needsValue(scope: HaltScope): boolean {
  return scope !== "tenant" && scope !== "global";
}

export function effectOf({
  scope,
  value,
  tenant,
}: {
  readonly scope: HaltScope;
  readonly value: string;
  readonly tenant: string;
}): string {
  const rest = "is refused at once, by every sidecar that is connected, until the switch is off.";
  switch (scope) {
    case "global":
      return `Every call of every agent of every tenant ${rest}`;
    case "tenant":
      return `Every call of every agent of ${tenant} ${rest}`;
    case "agent":
      return `Every call of the agent ${value} in ${tenant} ${rest}`;
    case "tool":
      return /[*?]/.test(value)
        ? `Every call of a tool whose name matches ${value}, by any agent of ${tenant}, ${rest}`
        : `Every call of the tool ${value}, by any agent of ${tenant}, ${rest}`;
    case "token":
      return `Every call with the token ${value} ${rest} Tokens that are derived from it go on working.`;
    case "subtree":
      return `Every call with the token ${value}, or with one that is derived from it, ${rest}`;
  }
}

/** What is stopped, in short. */
export function targetOf({ scope, value }: { readonly scope: HaltScope; readonly value: string }): string {
  if (scope === "global") return "everybody";
  if (scope === "tenant") return "the whole tenant";
  return scope === "subtree" ? `the token ${value} and what is derived from it` : `the ${scope} ${value}`;
}

export type HaltFields = {
  readonly scope: HaltScope;
  readonly value: string;
  readonly reason: string;
};

/** What must be changed before the switch can be thrown; undefined = nothing. */
export function haltProblem({ scope, value, reason }: HaltFields): string | undefined {
  if (needsValue(scope) && value === "") return "Name what is to be stopped.";
  if (!needsValue(scope) && value !== "") return "This scope takes no name: leave it empty.";
  return reason === "" ? "Say why: whoever is stopped is shown the reason." : undefined;
}
