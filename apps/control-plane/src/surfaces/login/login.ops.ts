// Logging in with a browser: to the identity provider (authorization code with PKCE), back with its word for it, and the session fetched by
// the page that began. Each step is bound to the one before and to that browser; none takes an address to go on to.
import { OperatorRole } from "@postern/contracts";
import { Fault } from "@postern/fault";
import { answer } from "@postern/surface";
import { z } from "zod";
import { providerActor } from "../admin/recognition.ts";
import { type LoginContext, operation, operatorActor } from "./context.ts";
import type { IdentityProvider } from "./identity-provider.ts";

const path = "/v1/auth";
const tag = "Login";
const row = { tag, permission: "public", audit: "none" } as const;
const text = z.string();
const SECRET_BYTES = 32;
const CONSOLE = "/console/";

const methods = operation({
  ...row,
  id: "login_methods",
  method: "GET",
  path,
  summary: "How one may sign in here",
  status: 200,
  reply: z.strictObject({ methods: z.array(z.enum(["token", "oidc"])) }),
  run: (_, { provider }) => ({
    methods: provider?.redirectUrl === undefined ? ["token" as const] : ["token" as const, "oidc" as const],
  }),
});

const begin = operation({
  ...row,
  id: "login_begin",
  method: "GET",
  path: `${path}/login`,
  summary: "Send a browser to the identity provider",
  status: 302,
  replies: { 503: "No identity provider is configured, or it cannot be reached." },
  run: async (_, context) => {
    const provider = browserProvider(context);
    const secret = () => Buffer.from(context.randomBytes(SECRET_BYTES)).toString("base64url");
    const attempt = { state: secret(), nonce: secret(), codeVerifier: secret() };
    const location = await provider.begin(attempt);
    const cookie = await context.cookies.seal(attempt);
    return answer(undefined, { headers: { location, "set-cookie": cookie } });
  },
});

const callback = operation({
  ...row,
  id: "login_callback",
  method: "GET",
  path: `${path}/callback`,
  summary: "Take a browser back from the identity provider",
  description:
    "Leads to the console with a code in the fragment, which is good for one session, for a minute, in this browser.",
  status: 302,
  replies: {
    401: "The login was refused, or was begun by another browser, or came back before.",
    403: "The identity provider vouches for the person, who has no role here.",
    429: "Too many logins have failed.",
    503: "No identity provider is configured, or it cannot be reached.",
  },
  // Providers add fields of their own; what counts is checked by the client library.
  query: z.looseObject({ code: text.optional(), state: text.optional(), error: text.optional() }),
  example: { query: { code: "a-code-of-the-provider", state: "as-it-was-sent" } },
  run: async ({ query, request }, context) => {
    const provider = browserProvider(context);
    const attempt = await context.cookies.open(request.headers);
    if (attempt === undefined) throw refused("This browser has no login under way: begin again.");
    const person = await provider.finish(new URLSearchParams(query as Record<string, string>), attempt);
    const code = await context.units.commit(providerActor(request), (unit) =>
      context.operators.handOff(unit, person, attempt.state),
    );
    if (code instanceof Fault) throw code;
    const headers = { location: `${CONSOLE}#signed-in=${code}`, "referrer-policy": "no-referrer" };
    return answer(undefined, { headers });
  },
});

const fetchSession = operation({
  ...row,
  id: "login_session",
  method: "POST",
  path: `${path}/session`,
  summary: "Fetch the session of a login, once",
  description:
    "From the browser that began it. The session's token is used as a bearer token, like any other.",
  audit: "admin/login",
  status: 201,
  replies: {
    401: "No login waits for this code in this browser.",
    429: "Too many logins have failed.",
  },
  body: z.strictObject({ code: text.min(1).max(256) }),
  example: { body: { code: "from-the-fragment" } },
  reply: z.strictObject({
    token: text,
    expires_at: z.iso.datetime(),
    name: text,
    tenant: text,
    roles: z.array(OperatorRole),
  }),
  run: async ({ body, request }, { cookies, operators, units, nowMs }) => {
    const attempt = await cookies.open(request.headers);
    const handOff = { code: body.code, state: attempt?.state ?? "" };
    const operator = await units.read((executor) => operators.waiting(executor, handOff, nowMs));
    if (attempt === undefined || operator === undefined) throw notWaiting();
    const actor = operatorActor(operator, request);
    const begun = await units.commit(actor, (unit) => operators.begin(unit, handOff));
    if (begun === undefined) throw notWaiting();
    const { signedIn, text: token } = begun;
    const session = {
      ...{ token, expires_at: signedIn.token?.expiresAt?.toISOString() ?? "", name: operator.name },
      ...{ tenant: operator.tenant, roles: [...signedIn.roles] },
    };
    return answer(session, { headers: { "set-cookie": cookies.clearing } });
  },
});

const logOut = operation({
  tag,
  id: "login_end",
  method: "DELETE",
  path: `${path}/session`,
  summary: "End the session whose token is sent",
  permission: "session",
  audit: "admin/logout",
  status: 204,
  replies: { 429: "Too many logins have failed." },
  run: async ({ request }, { operators, units, session }) => {
    if (session === undefined) throw notWaiting();
    await units.commit(operatorActor(session.operator, request), (unit) => operators.end(unit, session));
  },
});

function browserProvider({ provider }: LoginContext): IdentityProvider {
  if (provider !== undefined) return provider;
  throw new Fault(
    "unavailable",
    "login.unconfigured",
    "Logging in with an identity provider is not configured here (POSTERN_OIDC_ISSUER).",
  );
}

function refused(message: string): Fault {
  return new Fault("unauthenticated", "login.refused", message);
}

function notWaiting(): Fault {
  return refused("No login waits for this code in this browser: begin again.");
}

export const browserLoginRows = [methods, begin, callback, fetchSession, logOut];
