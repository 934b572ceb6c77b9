// What a screen is, and what it may use. A screen reads what it needs and then returns what to show; whatever it throws is shown instead.
import type { AdminApi } from "./admin-api.ts";
import type { Elevation, Me, Permission } from "./admin-people.ts";
import type { Child } from "./element.ts";
import type { Pulse } from "./pulse.ts";
import type { Tenant } from "./replies.ts";
import type { Route, ScreenName } from "./route.ts";

export interface Place {
  readonly api: AdminApi;
  readonly route: Route;
  /** The tenant that the screen is about. */
  readonly tenant: string;
  readonly tenants: readonly Tenant[];
  readonly me: Me;
  /** Whether the reader's roles permit rows of this permission. Only for what is shown: the control plane decides. */
  may(permission: Permission): boolean;
  /** What the reader acts under. */
  readonly elevation: Elevation | undefined;
  /** From now on every call is made under it; undefined = under none. */
  actUnder(elevation: Elevation | undefined): void;
  nowMs(): number;
  readonly pulse: Pulse;
  /** Fires when the reader goes on to another screen, or this one is shown anew. */
  readonly signal: AbortSignal;
  /** Address of a place near this one: the same tenant, nothing in detail and no query unless they are given. */
  at(change: Partial<Route>): string;
  go(change: Partial<Route>): void;
  /** Shows the screen anew. */
  again(): void;
  /** Tells in the page's status line, which screen readers read out, what was done. */
  say(text: string): void;
  /** Tells in the navigation how many calls wait for a person. */
  tellWaiting(count: number): void;
}

export interface Screen {
  readonly name: ScreenName;
  readonly title: string;
  show(place: Place): Promise<readonly Child[]>;
}
