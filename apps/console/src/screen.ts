// What a screen is, and what it may use. A screen reads what it needs and then returns what to show; whatever it throws is shown instead.
import type { AdminApi } from "./admin-api.ts";
import type { Child } from "./element.ts";
import type { Tenant } from "./replies.ts";
import type { Route, ScreenName } from "./route.ts";

export interface Place {
  readonly api: AdminApi;
  readonly route: Route;
  /** The tenant that the screen is about. */
  readonly tenant: string;
  readonly tenants: readonly Tenant[];
  nowMs(): number;
  /** Address of a place near this one: the same tenant, nothing in detail and no query unless they are given. */
  at(change: Partial<Route>): string;
  go(change: Partial<Route>): void;
  /** Shows the screen anew. */
  again(): void;
  /** Tells in the page's status line, which screen readers read out, what was done. */
  say(text: string): void;
}

export interface Screen {
  readonly name: ScreenName;
  readonly title: string;
  show(place: Place): Promise<readonly Child[]>;
}
