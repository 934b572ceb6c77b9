// Logging in with an identity provider: what sidecars must know of the tenant's issuers, and the exchange of an access token.
import { ExchangeReply, ExchangeRequest, LoginReply } from "@postern/contracts";
import { operation } from "./context.ts";

const login = operation({
  id: "fleet_login",
  method: "GET",
  path: "/v1/sidecar/login",
  summary: "Read which issuers the tenant trusts",
  description: "`sealed` is a document of kind `login`, signed as control state is.",
  permission: "sidecar",
  audit: "none",
  status: 200,
  reply: LoginReply,
  run: async (_, { issuers, sidecar, work }) => ({
    sealed: await work.commit((unit) => issuers.loginState(unit, sidecar.tenant)),
  }),
});

const exchange = operation({
  id: "fleet_exchange",
  method: "POST",
  path: "/v1/sidecar/exchange",
  summary: "Exchange an access token for a capability",
  description:
    "The token must be of an issuer that the tenant trusts, for the resource that is named, and a rule must match its claims.",
  permission: "sidecar",
  audit: "admin/exchange",
  status: 200,
  replies: {
    403: "The access token is exchanged for nothing, or a kill switch is on; the message says why, in words for its holder.",
    503: "The issuer's keys cannot be had, or its rules have just changed: try again.",
  },
  body: ExchangeRequest,
  example: {
    body: {
      access_token: "eyJhbGciOiJSUzI1NiJ9.e30.c2lnbmF0dXJl",
      resource: "https://tools.acme-corp.example/v1/mcp",
    },
  },
  reply: ExchangeReply,
  run: async ({ body }, { issuers, sidecar, work }) => {
    const request = { tenant: sidecar.tenant, accessToken: body.access_token, resource: body.resource };
    const { token, expiresAt } = await issuers.exchange(work, request);
    return { token, expires_at: expiresAt };
  },
});

export const loginRows = [login, exchange];
