// Where the reader is, as the part of the address behind `#`: it can be bookmarked and sent to a colleague, and no server ever sees it.
// It names a tenant, a screen and what is asked of the screen, and never holds a secret.

export const SCREENS = [
  "overview",
  "approvals",
  "kill-switch",
  "events",
  "verify",
  "policies",
  "tools",
  "upstreams",
  "tokens",
  "sidecars",
  "keys",
  "people",
  "webhooks",
  "settings",
  "tenants",
] as const;
export type ScreenName = (typeof SCREENS)[number];

export interface Route {
  /** "" = the first tenant that the reader may see. */
  readonly tenant: string;
  readonly screen: ScreenName;
  /** What the screen shows in detail, such as a draft's id; "" = nothing. */
  readonly item: string;
  readonly query: Readonly<Record<string, string>>;
}

/** `#/acme/events?decision=block`. Whatever cannot be understood leads to the overview. */
export function readRoute(hash: string): Route {
  const [path = "", search = ""] = hash.replace(/^#?\/?/, "").split(/\?(.*)/s);
  const [tenant = "", name = "", item = ""] = path.split("/").map(decoded);
  const screen = SCREENS.find((each) => each === name) ?? "overview";
  const query = Object.fromEntries([...new URLSearchParams(search)].filter(([, value]) => value !== ""));
  return { tenant, screen, item: screen === name ? item : "", query };
}

export function printRoute({ tenant, screen, item, query }: Route): string {
  const path = [tenant, screen, ...(item === "" ? [] : [item])].map(encodeURIComponent).join("/");
  const search = printQuery(query);
  return `#/${path}${search === "" ? "" : `?${search}`}`;
}

/** Fields without a value are left out. */
export function printQuery(query: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== "") search.set(name, String(value));
  }
  return search.toString();
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return "";
  }
}
