// The frame around the screens: who is signed in, which tenant is looked at, which screen is shown. One rule holds it together: the
// address says what is shown, and an answer that comes after the reader has gone on is thrown away.
import type { Elevation } from "./admin-people.ts";
import { closeDialogs } from "./dialog.ts";
import { element, nodesOf } from "./element.ts";
import { elevationBar } from "./elevation-bar.ts";
import { isTrouble } from "./exchange.ts";
import { createFrame, type Frame } from "./frame.ts";
import { canLogIn, endSession, fetchSession, loginCode } from "./login.ts";
import { actions, button } from "./parts.ts";
import type { Pulse } from "./pulse.ts";
import type { Tenant } from "./replies.ts";
import { printRoute, type Route, readRoute } from "./route.ts";
import type { Place } from "./screen.ts";
import { signIn } from "./screens/sign-in.ts";
import { overviewScreen, screens } from "./screens.ts";
import type { Session } from "./session.ts";
import { showTrouble } from "./trouble.ts";
import { beginVisit, type Visit } from "./visit.ts";

export interface ConsolePorts {
  readonly root: HTMLElement;
  readonly session: Session;
  readonly fetch: (path: string, init: RequestInit) => Promise<Response>;
  nowMs(): number;
  readonly pulse: Pulse;
}

const WAITING_EVERY_MS = 15_000;

export function startConsole({ root, session, fetch, nowMs, pulse }: ConsolePorts): void {
  let visited: (Visit & { readonly frame: Frame }) | undefined;
  let turn = 0;
  /** Fires when the screen gives way. */
  let screenEnds = new AbortController();
  /** Fires when the elevation is put on or off. */
  let elevationEnds = new AbortController();
  /** Fires when the reader leaves. */
  let visitEnds = new AbortController();

  addEventListener("hashchange", () => void show());
  void arrive();

  /** A browser that comes back from the identity provider brings a code, which leaves the address at once and is worth one session. */
  async function arrive(): Promise<void> {
    const code = loginCode(location.hash);
    if (code === undefined) return await enter();
    history.replaceState(null, "", location.pathname);
    const fetched = await fetchSession(fetch, code);
    if ("problem" in fetched) return leave(fetched.problem);
    session.begin(fetched.token, { kept: false, isLogin: true });
    await enter();
  }

  function signOut(): void {
    const token = session.token();
    if (session.isLogin() && token !== undefined) void endSession(fetch, token);
    leave("You are signed out.");
  }

  async function enter(): Promise<void> {
    const token = session.token();
    if (token === undefined) return leave("");
    const now = ++turn;
    // An answer to what was asked with a token before this one is no reason to leave.
    const onUnauthenticated = (message: string) => {
      if (session.token() === token) leave(message);
    };
    try {
      const visit = await beginVisit({ fetch, token, onUnauthenticated });
      if (now !== turn) return;
      visitEnds = new AbortController();
      const frame = createFrame({ screens, onSignOut: signOut });
      visited = Object.assign(visit, { frame });
      root.replaceChildren(frame.node);
      pulse.every(WAITING_EVERY_MS, visitEnds.signal, countWaiting);
      await show();
    } catch (caught) {
      // A refused token has led to the sign-in already.
      if (now !== turn || (isTrouble(caught) && caught.status === 401)) return;
      const retry = button("Try again", () => void enter(), "main");
      const out = button("Sign in again", () => leave(""));
      root.replaceChildren(element("main", { class: "alone" }, showTrouble(caught, actions(retry, out))));
    }
  }

  /** Forgets the token and everything that was on the page. */
  function leave(message: string): void {
    turn += 1;
    visited = undefined;
    for (const ends of [screenEnds, elevationEnds, visitEnds]) ends.abort();
    session.end();
    closeDialogs();
    const onToken = (token: string, options: { kept: boolean }) => {
      session.begin(token, options);
      void enter();
    };
    document.title = "Sign in · Postern";
    root.replaceChildren(signIn({ message, onToken, canLogIn: canLogIn(fetch) }));
    root.querySelector("input")?.focus();
  }

  async function show(): Promise<void> {
    if (visited === undefined) return;
    const now = ++turn;
    screenEnds.abort();
    screenEnds = new AbortController();
    closeDialogs();
    const { frame } = visited;
    const asked = readRoute(location.hash);
    const screen = screens.find(({ name }) => name === asked.screen) ?? overviewScreen;
    if (asked.screen === "tenants") await readTenants();
    if (now !== turn || visited === undefined) return;
    const route = { ...asked, tenant: asked.tenant === "" ? firstTenant(visited.tenants) : asked.tenant };
    const place = placeOf(visited, route);
    document.title = `${screen.title} · ${route.tenant} · Postern`;
    frame.begin(place, screen);
    frame.tellWaiting(waitingOf(visited.tenants, route.tenant));
    try {
      const shown = await screen.show(place);
      if (now === turn) frame.fill(nodesOf(shown));
    } catch (caught) {
      if (now !== turn) return;
      frame.fill([showTrouble(caught, actions(button("Try again", () => void show(), "main")))]);
    }
  }

  /** What cannot be read stays as it was. */
  async function readTenants(): Promise<void> {
    const read = await visited?.api.tenants().catch(() => undefined);
    if (visited !== undefined && read !== undefined) visited.tenants = read;
  }

  async function countWaiting(): Promise<void> {
    await readTenants();
    if (visited === undefined) return;
    const { tenant } = readRoute(location.hash);
    const { tenants, frame } = visited;
    frame.tellWaiting(waitingOf(tenants, tenant === "" ? firstTenant(tenants) : tenant));
  }

  /** What one may do is asked anew: an elevation gives a role. */
  async function actUnder(elevation: Elevation | undefined): Promise<void> {
    if (visited === undefined) return;
    const { api, frame } = visited;
    elevationEnds.abort();
    elevationEnds = new AbortController();
    visited.elevation = elevation;
    const { signal } = elevationEnds;
    const onLeave = () => void actUnder(undefined);
    const onEnd = () => {
      if (elevation !== undefined) void api.endElevation(elevation).then(onLeave, failed);
    };
    frame.setBar(elevation && elevationBar(elevation, { onLeave, onEnd, nowMs, pulse, signal }));
    const me = await api.me().catch(() => undefined);
    if (signal.aborted || visited === undefined) return;
    visited.me = me ?? visited.me;
    frame.say(elevation === undefined ? "You act with your own roles" : `You act as ${elevation.role}`);
    await show();
  }

  function failed(caught: unknown): void {
    visited?.frame.say(caught instanceof Error ? caught.message : String(caught));
  }

  function placeOf(visit: Visit & { readonly frame: Frame }, route: Route): Place {
    const { api, tenants, frame, me, elevation } = visit;
    const at = (change: Partial<Route>) => printRoute({ ...route, item: "", query: {}, ...change });
    return {
      ...{ api, route, tenants, me, elevation, nowMs, pulse, at },
      tenant: route.tenant,
      signal: screenEnds.signal,
      may: (permission) => me.permissions.includes(permission),
      actUnder: (other) => void actUnder(other),
      go(change) {
        const address = at(change);
        if (location.hash === address) void show();
        else location.hash = address;
      },
      again: () => void show(),
      say: frame.say,
      tellWaiting: frame.tellWaiting,
    };
  }
}

/** Where something is going on: a tenant with a policy, before one without. */
function firstTenant(tenants: readonly Tenant[]): string {
  const governed = tenants.find(({ active_policy_sha }) => active_policy_sha !== "");
  return (governed ?? tenants[0])?.name ?? "default";
}

function waitingOf(tenants: readonly Tenant[], tenant: string): number {
  return tenants.find(({ name }) => name === tenant)?.pending_approvals ?? 0;
}
