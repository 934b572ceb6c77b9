// The domain, put together in the order in which its nouns depend on each other. Doors and workers are given this and nothing below it.
import { createPostgresLedger, type PostgresLedger } from "@postern/budget/postgres";
import type { Clock, NewId } from "@postern/fault";
import type { Database } from "../database/connection.ts";
import { type Audit, createAudit } from "./audit/service.ts";
import { type Capabilities, createCapabilities } from "./capabilities/service.ts";
import { createIntake, type Intake } from "./intake/service.ts";
import type { JsonFetch } from "./issuers/json-fetch.ts";
import { createIssuers, type Issuers } from "./issuers/service.ts";
import type { MasterKey } from "./keys/master-key.ts";
import { createKeys, type Keys } from "./keys/service.ts";
import type { PolicyCompiler } from "./policies/compiler.ts";
import { createDrafts, type Drafts } from "./policies/drafts.ts";
import { createPolicies, type Policies } from "./policies/service.ts";
import { createSidecars, type Sidecars } from "./sidecars/service.ts";
import { createStates, type States, type ToldNouns } from "./states/service.ts";
import { createTools, type Tools } from "./tools/service.ts";

export interface Nouns {
  readonly keys: Keys;
  readonly capabilities: Capabilities;
  readonly issuers: Issuers;
  readonly drafts: Drafts;
  readonly policies: Policies;
  readonly budgets: PostgresLedger;
  readonly sidecars: Sidecars;
  readonly tools: Tools;
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
  /** First part of the name of every tenant's log. */
  readonly logHost: string;
}

export function createNouns(dependencies: NounDependencies): Nouns {
  const { database, clock, newId, randomBytes, masterKey, compile, fetchJson, logHost } = dependencies;
  const keys = createKeys({ masterKey });
  const capabilities = createCapabilities({ keys });
  const policies = createPolicies({ keys, compile });
  const sidecars = createSidecars({ keys, randomBytes });
  const tools = createTools();
  return {
    keys,
    capabilities,
    issuers: createIssuers({ keys, capabilities, fetchJson, clock }),
    drafts: createDrafts({ compile }),
    policies,
    budgets: createPostgresLedger(database.executor, { clock, newId }),
    sidecars,
    tools,
    audit: createAudit({ keys, clock, logHost }),
    intake: createIntake({ keys, sidecars }),
    states: createStates({ keys, capabilities, policies, tools, ...NOT_YET }),
  };
}

/** What is told of and has no noun yet. */
const NOT_YET: Pick<ToldNouns, "halts" | "upstreams" | "approvals"> = {
  halts: { versions: async () => new Map(), on: async () => [] },
  upstreams: { versions: async () => new Map(), registered: async () => [] },
  approvals: {
    versions: async () => new Map(),
    decidedAfter: async (_, { upTo }) => ({ decided: [], version: upTo }),
  },
};
