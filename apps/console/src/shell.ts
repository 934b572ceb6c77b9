// The frame around the screens: who is signed in, which tenant is looked at, which screen is shown. One rule holds it together: the
// address says what is shown, and an answer that comes after the reader has gone on is thrown away.
import { type AdminApi, createAdminApi, isTrouble } from "./admin-api.ts";
import { closeDialogs } from "./dialog.ts";
import { element, nodesOf } from "./element.ts";
import { createFrame, type Frame } from "./frame.ts";
import { canLogIn, endSession, fetchSession, loginCode } from "./login.ts";
import { actions, button } from "./parts.ts";
import type { Tenant } from "./replies.ts";
import { printRoute, type Route, readRoute } from "./route.ts";
import type { Place, Screen } from "./screen.ts";
import { eventsScreen } from "./screens/events.ts";
import { keysScreen } from "./screens/keys.ts";
import { overviewScreen } from "./screens/overview.ts";
import { policiesScreen } from "./screens/policies.ts";
import { sidecarsScreen } from "./screens/sidecars.ts";
import { signIn } from "./screens/sign-in.ts";
import { tenantsScreen } from "./screens/tenants.ts";
import { tokensScreen } from "./screens/tokens.ts";
import { verifyScreen } from "./screens/verify.ts";
import type { Session } from "./session.ts";
import { showTrouble } from "./trouble.ts";

export interface ConsolePorts {
  readonly root: HTMLElement;
  readonly session: Session;
  readonly fetch: (path: string, init: RequestInit) => Promise<Response>;
  nowMs(): number;
}

/** In the order of the navigation. */
const screens: readonly Screen[] = [
  overviewScreen,
  eventsScreen,
  verifyScreen,
  policiesScreen,
  tokensScreen,
  sidecarsScreen,
  keysScreen,
  tenantsScreen,
];

/** What is known once somebody has signed in. */
interface Visit {
  readonly api: AdminApi;
  readonly frame: Frame;
  tenants: readonly Tenant[];
}

export function startConsole({ root, session, fetch, nowMs }: ConsolePorts): void {
  let visit: Visit | undefined;
  let turn = 0;

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
    const api = createAdminApi({ fetch, token, onUnauthenticated: leave });
    const now = ++turn;
    try {
      const tenants = await api.tenants();
      if (now !== turn) return;
      const frame = createFrame({ screens, onSignOut: signOut });
      visit = { api, frame, tenants };
      root.replaceChildren(frame.node);
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
    visit = undefined;
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
    if (visit === undefined) return;
    const now = ++turn;
    closeDialogs();
    const { frame } = visit;
    const asked = readRoute(location.hash);
    const screen = screens.find(({ name }) => name === asked.screen) ?? overviewScreen;
    if (asked.screen === "tenants")
      visit.tenants = await visit.api.tenants().catch(() => visit?.tenants ?? []);
    if (now !== turn) return;
    const route = { ...asked, tenant: asked.tenant === "" ? firstTenant(visit.tenants) : asked.tenant };
    const place = placeOf(visit, route);
    document.title = `${screen.title} · ${route.tenant} · Postern`;
    frame.begin(place, screen);
    try {
      const shown = await screen.show(place);
      if (now === turn) frame.fill(nodesOf(shown));
    } catch (caught) {
      if (now !== turn) return;
      frame.fill([showTrouble(caught, actions(button("Try again", () => void show(), "main")))]);
    }
  }

  function placeOf({ api, tenants, frame }: Visit, route: Route): Place {
    const at = (change: Partial<Route>) => printRoute({ ...route, item: "", query: {}, ...change });
    return {
      api,
      route,
      tenants,
      tenant: route.tenant,
      nowMs,
      at,
      go(change) {
        const address = at(change);
        if (location.hash === address) void show();
        else location.hash = address;
      },
      again: () => void show(),
      say: frame.say,
    };
  }
}

/** Where something is going on: a tenant with a policy, before one without. */
function firstTenant(tenants: readonly Tenant[]): string {
  const governed = tenants.find(({ active_policy_sha }) => active_policy_sha !== "");
  return (governed ?? tenants[0])?.name ?? "default";
}
