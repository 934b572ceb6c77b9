// The domain, put together in the order in which its nouns depend on each other. Doors and workers are given this and nothing below it.
import { createPostgresLedger, type PostgresLedger } from "@postern/budget/postgres";
import type { Clock, NewId } from "@postern/fault";
import type { Database } from "../database/connection.ts";
import { type Approvals, createApprovals } from "./approvals/service.ts";
import { type Audit, createAudit } from "./audit/service.ts";
import { createMemoryKeys } from "./capabilities/memory-keys.ts";
import { type Capabilities, createCapabilities } from "./capabilities/service.ts";
import { createElevations, type Elevations } from "./elevations/service.ts";
import { createHalts, type Halts } from "./halts/service.ts";
import { createIntake, type Intake } from "./intake/service.ts";
import type { JsonFetch } from "./issuers/json-fetch.ts";
import { createIssuers, type Issuers } from "./issuers/service.ts";
import type { MasterKey } from "./keys/master-key.ts";
import { createKeys, type Keys } from "./keys/service.ts";
import { createOperators, type Operators } from "./operators/service.ts";
import type { PolicyCompiler } from "./policies/compiler.ts";
import { createDrafts, type Drafts } from "./policies/drafts.ts";
import { createPolicies, type Policies } from "./policies/service.ts";
import { type Changes, createChanges } from "./rollouts/changes.ts";
import { createRollouts, type Rollouts } from "./rollouts/service.ts";
import { createSidecars, type Sidecars } from "./sidecars/service.ts";
import { createStates, type States } from "./states/service.ts";
import { createTools, type Tools } from "./tools/service.ts";
import { createTrials, type Trials } from "./trials/service.ts";
import { createUpstreams, type Upstreams } from "./upstreams/service.ts";
import type { WebhookSender } from "./webhooks/sender.ts";
import { createWebhooks, type Webhooks } from "./webhooks/service.ts";

export interface Nouns {
  readonly keys: Keys;
  readonly operators: Operators;
  readonly elevations: Elevations;
  readonly webhooks: Webhooks;
  readonly capabilities: Capabilities;
  readonly halts: Halts;
  readonly issuers: Issuers;
  readonly drafts: Drafts;
  readonly policies: Policies;
  readonly trials: Trials;
  readonly rollouts: Rollouts;
  readonly changes: Changes;
  readonly budgets: PostgresLedger;
  readonly sidecars: Sidecars;
  readonly tools: Tools;
  readonly upstreams: Upstreams;
  readonly approvals: Approvals;
  readonly audit: Audit;
  readonly intake: Intake;
  readonly states: States;
}

export interface NounDependencies {
  readonly database: Database;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly randomBytes: (count: number) => Uint8Array;
  readonly masterKey: MasterKey;
  readonly compile: PolicyCompiler;
  /** Fetches what issuers publish. */
  readonly fetchJson: JsonFetch;
  readonly webhookSender: WebhookSender;
  /** First part of the name of every tenant's log. */
  readonly logHost: string;
}

export function createNouns(dependencies: NounDependencies): Nouns {
  const { database, clock, newId, randomBytes, masterKey, compile, fetchJson, logHost } = dependencies;
  const keys = createKeys({ masterKey });
  const capabilities = createCapabilities({ keys, memoryKeys: createMemoryKeys(masterKey) });
  const halts = createHalts();
  const drafts = createDrafts({ compile });
  const policies = createPolicies({ keys, compile });
  const rollouts = createRollouts({ policies });
  const sidecars = createSidecars({ keys, randomBytes });
  const tools = createTools();
  const upstreams = createUpstreams();
  const approvals = createApprovals({ capabilities });
  const audit = createAudit({ keys, clock, logHost });
  return {
    keys,
    operators: createOperators({ randomBytes }),
    elevations: createElevations(),
    webhooks: createWebhooks({ keys, randomBytes, sender: dependencies.webhookSender }),
    capabilities,
    halts,
    issuers: createIssuers({ keys, capabilities, halts, fetchJson, clock }),
    drafts,
    policies,
    trials: createTrials({ keys, policies, audit, capabilities, compile, clock }),
    rollouts,
    changes: createChanges({ drafts, policies, rollouts }),
    budgets: createPostgresLedger(database.executor, { clock, newId }),
    sidecars,
    tools,
    upstreams,
    approvals,
    audit,
    intake: createIntake({ keys, sidecars, approvals }),
    states: createStates({ keys, capabilities, halts, policies, rollouts, tools, approvals, upstreams }),
  };
}
