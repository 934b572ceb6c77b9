// The admin door of document 001: bearer tokens of administrators, `{"error"}` on failure, and every act an event of the chain.
import type { Clock } from "@postern/fault";
import type { Door, Surface } from "@postern/surface";
import type { Logger } from "@postern/telemetry";
import type { Nouns } from "../../domain/nouns.ts";
import { SYSTEM_TENANT } from "../../domain/tenants/model.ts";
import type { Act, Actor, Units } from "../../domain/unit.ts";
import { FailureBody, failureOf } from "../failure.ts";
import type { Report } from "../report.ts";
import { auditRows } from "./audit.ops.ts";
import { exportRows } from "./audit-export.ops.ts";
import { type AdminToken, createAdminAuth } from "./auth.ts";
import { capabilityRows } from "./capabilities.ops.ts";
import type { AdminContext } from "./context.ts";
import { draftRows } from "./drafts.ops.ts";
import { issuerRows } from "./issuers.ops.ts";
import { keyRows } from "./keys.ops.ts";
import { policyRows } from "./policies.ops.ts";
import { type AdminPrincipal, actorName, createScope, forbidden } from "./principal.ts";
import { settingsRows } from "./settings.ops.ts";
import { sidecarRows } from "./sidecars.ops.ts";
import { tenantRows } from "./tenants.ops.ts";
import { createThrottle } from "./throttle.ts";
import { toolRows } from "./tools.ops.ts";

export interface AdminPorts {
  readonly nouns: Nouns;
  readonly units: Units;
  readonly clock: Clock;
  readonly log: Logger;
  readonly report: Report;
  readonly tokens: readonly AdminToken[];
  readonly loginFailuresPerMinute: number;
  readonly cursorSecret: Uint8Array;
}

export const adminRows = [
  ...capabilityRows,
  ...draftRows,
  ...policyRows,
  ...auditRows,
  ...exportRows,
  ...tenantRows,
  ...sidecarRows,
  ...keyRows,
  ...issuerRows,
  ...toolRows,
  ...settingsRows,
];

export interface AdminSurface extends Surface<AdminPrincipal, AdminContext> {
  /** Tells of the failed logins that were too many to tell one by one: one event for each network. To be called now and then. */
  tellFailedLogins(): Promise<void>;
}

export function createAdminSurface(ports: AdminPorts): AdminSurface {
  const { nouns, units, clock, log, report, tokens, cursorSecret } = ports;
  const perMinute = ports.loginFailuresPerMinute;
  const throttle = createThrottle({ clock, failuresMax: perMinute, tryEveryMs: 60_000 / perMinute });

  async function tell(actor: Actor, act: Act): Promise<void> {
    try {
      await units.commit(actor, async (unit) => unit.record(act));
    } catch (caught) {
      log.error("an event could not be recorded", caught, { act: act.name });
    }
  }

  const door: Door<AdminPrincipal, AdminContext> = {
    name: "admin",
    prefixes: ["/v1/admin"],
    security: {
      type: "http",
      scheme: "bearer",
      description: "Superadmin token, or the token of a tenant's admin.",
    },
    failureBody: FailureBody,
    authenticate: createAdminAuth({
      tokens,
      throttle,
      onFailure: ({ id, remoteAddress }) =>
        tell(
          { name: "", remoteAddress, requestId: id },
          { ...FAILED_LOGIN, reason: "The admin token is not valid." },
        ),
    }),
    authorize: forbidden,
    within({ principal, operation, request }, work) {
      if (principal === undefined) throw new Error("the admin door has no public rows");
      const actor = {
        name: actorName(principal),
        remoteAddress: request.remoteAddress,
        requestId: request.id,
      };
      let mustRecord = operation.audit === "none" ? undefined : operation.audit;
      return work({
        ...nouns,
        scope: createScope(principal, units.read),
        clock,
        log,
        cursorSecret,
        work: {
          // The first thing that a row commits is what its event tells.
          commit: async (run) => {
            const result = await units.commit(actor, run, { mustRecord });
            mustRecord = undefined;
            return result;
          },
          read: units.read,
        },
        tellRead: (act) => tell(actor, act),
      });
    },
    failure: failureOf,
    report,
  };
  return {
    door,
    rows: adminRows,
    async tellFailedLogins() {
      for (const [network, failures] of throttle.takeUnheard()) {
        const reason = "The admin token was not valid; these failures were too many to tell one by one.";
        const actor = { name: "", remoteAddress: network, requestId: "" };
        await tell(actor, { ...FAILED_LOGIN, reason, details: { failures } });
      }
    },
  };
}

const FAILED_LOGIN = {
  tenant: SYSTEM_TENANT,
  name: "login",
  decision: "block",
  check: "authentication",
} as const;
