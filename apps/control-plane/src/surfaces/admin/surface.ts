// The admin door of document 001: bearer tokens of administrators, `{"error"}` on failure, and every act an event of the chain.
import { type Clock, Fault } from "@postern/fault";
import type { Door, Surface } from "@postern/surface";
import type { Logger } from "@postern/telemetry";
import type { Minted } from "../../domain/capabilities/model.ts";
import type { AskedMint } from "../../domain/capabilities/service.ts";
import { createGathering } from "../../domain/gathering.ts";
import type { Nouns } from "../../domain/nouns.ts";
import type { Act, Actor, Unit, Units } from "../../domain/unit.ts";
import { FailureBody, failureOf } from "../failure.ts";
import type { IdentityProvider } from "../login/identity-provider.ts";
import type { Report } from "../report.ts";
import { approvalRows } from "./approvals.ops.ts";
import { auditRows } from "./audit.ops.ts";
import { exportRows } from "./audit-export.ops.ts";
import { type AdminToken, createAdminAuth } from "./auth.ts";
import { capabilityRows } from "./capabilities.ops.ts";
import type { AdminContext } from "./context.ts";
import { draftRows } from "./drafts.ops.ts";
import { dryRunRows } from "./dry-run.ops.ts";
import { outlasting, resolveElevation, scopeOf, unitUnder } from "./elevation.ts";
import { elevationRows } from "./elevations.ops.ts";
import { createFailedLogins, type FailedLogins } from "./failed-logins.ts";
import { haltRows } from "./halts.ops.ts";
import { integrationRows } from "./integrations.ops.ts";
import { issuerRows } from "./issuers.ops.ts";
import { keyRows } from "./keys.ops.ts";
import { operatorRows } from "./operators.ops.ts";
import { policyRows } from "./policies.ops.ts";
import { type AdminPrincipal, actorName, forbidden } from "./principal.ts";
import { proposalRows } from "./proposals.ops.ts";
import { createRecognition, type Recognise } from "./recognition.ts";
import { rolloutRows } from "./rollouts.ops.ts";
import { settingsRows } from "./settings.ops.ts";
import { sidecarRows } from "./sidecars.ops.ts";
import { tenantRows } from "./tenants.ops.ts";
import { toolRows } from "./tools.ops.ts";
import { upstreamRows } from "./upstreams.ops.ts";
import { webhookRows } from "./webhooks.ops.ts";

export interface AdminPorts {
  readonly nouns: Nouns;
  readonly units: Units;
  readonly clock: Clock;
  readonly log: Logger;
  readonly report: Report;
  readonly tokens: readonly AdminToken[];
  readonly loginFailuresPerMinute: number;
  readonly identityProvider?: IdentityProvider | undefined;
  readonly cursorSecret: Uint8Array;
}

export const adminRows = [
  ...capabilityRows,
  ...haltRows,
  ...draftRows,
  ...policyRows,
  ...proposalRows,
  ...rolloutRows,
  ...dryRunRows,
  ...auditRows,
  ...exportRows,
  ...tenantRows,
  ...sidecarRows,
  ...keyRows,
  ...issuerRows,
  ...toolRows,
  ...upstreamRows,
  ...approvalRows,
  ...settingsRows,
  ...operatorRows,
  ...elevationRows,
  ...webhookRows,
  ...integrationRows,
];

export const adminFace = {
  name: "admin",
  prefixes: ["/v1/admin"],
  security: {
    type: "http",
    scheme: "bearer",
    description:
      "Superadmin token, the token of a tenant's admin, or an operator's: its own, a session, or one of the identity provider.",
  },
  failureBody: FailureBody,
} as const;

/** Most acts of one tenant that are committed together. */
const TOGETHER_MAX = 128;
const NOBODY: Actor = { name: "", remoteAddress: "", requestId: "" };

export interface AdminSurface extends Surface<AdminPrincipal, AdminContext> {
  /** For the other door at which operators sign in. */
  readonly failures: FailedLogins;
  readonly recognise: Recognise;
}

export function createAdminSurface(ports: AdminPorts): AdminSurface {
  const { nouns, units, clock, log, report, tokens, cursorSecret } = ports;
  const { operators, elevations } = nouns;
  const recognise = createRecognition({ operators, units, clock, provider: ports.identityProvider });
  const failures = createFailedLogins({ clock, perMinute: ports.loginFailuresPerMinute, tell });

  const telling = createGathering<Act & { readonly actor: Actor }, undefined>({
    keyOf: ({ tenant }) => tenant,
    itemsMax: TOGETHER_MAX,
    roundsMax: 2,
    async together(acts) {
      await units.commit(acts[0]?.actor ?? NOBODY, async (unit) => {
        for (const act of acts) unit.record(act);
      });
      return [];
    },
  });
  const minting = createGathering<AskedMint, Minted>({
    keyOf: ({ request }) => request.tenant,
    itemsMax: TOGETHER_MAX,
    roundsMax: 2,
    together: (asked) =>
      units.commit(asked[0]?.actor ?? NOBODY, (unit) => nouns.capabilities.mintAll(unit, asked), {
        mustRecord: "admin/mint",
      }),
  });

  async function tell(actor: Actor, act: Act): Promise<void> {
    try {
      await telling.add({ ...act, actor });
    } catch (caught) {
      log.error("an event could not be recorded", caught, { act: act.name });
    }
  }

  const authenticate = createAdminAuth({ tokens, recognise, failures });
  const door: Door<AdminPrincipal, AdminContext> = {
    ...adminFace,
    async authenticate(request) {
      const principal = await authenticate(request);
      if (principal instanceof Fault) return principal;
      return await resolveElevation(principal, request, { elevations, read: units.read, nowMs: clock.nowMs });
    },
    authorize: forbidden,
    within({ principal, operation, request }, work) {
      if (principal === undefined) throw new Error("the admin door has no public rows");
      const refusal = outlasting(principal, operation);
      if (refusal !== undefined) throw refusal;
      const { elevation } = principal;
      const actor = {
        name: actorName(principal),
        remoteAddress: request.remoteAddress,
        requestId: request.id,
        ...(elevation && { elevationId: elevation.id, isSeconded: elevation.role === "admin" }),
      };
      let mustRecord = operation.audit === "none" ? undefined : operation.audit;
      return work({
        ...nouns,
        principal,
        scope: scopeOf(principal, units.read),
        may: (permission) => forbidden(principal, permission) === undefined,
        clock,
        log,
        cursorSecret,
        work: {
          // The first thing that a row commits is what its event tells.
          commit: async (run) => {
            const under = elevation ? (unit: Unit) => run(unitUnder(elevation, unit)) : run;
            const result = await units.commit(actor, under, { mustRecord });
            mustRecord = undefined;
            return result;
          },
          read: units.read,
        },
        tellRead: (act) => tell(actor, act),
        // An elevation is looked at again as its act is committed, and has only its own.
        mint: (request) =>
          elevation === undefined
            ? minting.add({ request, actor })
            : units.commit(actor, (unit) => nouns.capabilities.mint(unitUnder(elevation, unit), request)),
      });
    },
    failure: failureOf,
    report,
  };
  return { door, rows: adminRows, failures, recognise };
}
