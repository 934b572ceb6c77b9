// Made from the endpoint rows of the control plane by deploy/local/generate.ts; not to be edited.
import type { AuditEvent, JsonValue } from "@postern/contracts";

export interface AdminOperations {
  /** Issue a capability token */
  capability_mint: {
    input: {
      body: {
        /** The agent that the token speaks for. */
        readonly subject: string;
        readonly issuer?: string | undefined;
        /** The tenant that this is for. Default: the admin's own; for a superadmin "default". */
        readonly tenant?: string | undefined;
        /** Lifetime. Absent or 0: the token does not expire. */
        readonly ttl_seconds?: number | undefined;
        /** Tools that may be called; * and ? are wildcards. Absent: no restriction. */
        readonly tools?: readonly string[] | undefined;
        readonly max_calls?: number | undefined;
        /** Stamps the token with a fresh factor, now. */
        readonly step_up?: boolean | undefined;
        /** Whether to answer with the key with which the agent signs what it remembers. */
        readonly with_memory_signing_key?: boolean | undefined;
        /** Further caveats, after those from the fields. */
        readonly caveats?:
          | readonly (
              | { readonly type: "expiry"; readonly at: string }
              | { readonly type: "tool_allow"; readonly tools: readonly string[] }
              | { readonly type: "tool_deny"; readonly tools: readonly string[] }
              | { readonly type: "agent_lock"; readonly agent: string }
              | { readonly type: "max_calls"; readonly limit: number }
              | { readonly type: "rate"; readonly per_minute: number }
              | { readonly type: "max_cost"; readonly micros: number }
              | {
                  readonly type: "arguments";
                  readonly tool?: string | undefined;
                  readonly predicates: readonly (
                    | {
                        readonly op: "eq" | "ne";
                        readonly path: string;
                        readonly value: string | number | boolean | null;
                      }
                    | {
                        readonly op: "lt" | "lte" | "gt" | "gte";
                        readonly path: string;
                        readonly value: number;
                      }
                    | {
                        readonly op: "in";
                        readonly path: string;
                        readonly values: readonly (string | number | boolean | null)[];
                      }
                    | { readonly op: "glob"; readonly path: string; readonly value: string }
                  )[];
                }
              | { readonly type: "upstreams"; readonly names: readonly string[] }
              | { readonly type: "step_up"; readonly at: string }
              | { readonly type: "callee_allow"; readonly agents: readonly string[] }
            )[]
          | undefined;
        /** Whether the holder may narrow the token offline. */
        readonly attenuable?: boolean | undefined;
      };
    };
    reply: {
      token: string;
      jti: string;
      /** Absent when the token does not expire. */
      expires_at?: string;
      subject: string;
      tenant: string;
      /** One-time secret with which the holder can append a narrower block offline. Shown once. */
      attenuation_key?: string;
      /** With which the holder signs what it remembers: 32 bytes as base64url. */
      memory_signing_key?: string;
    };
  };

  /** Issue a capability token again, with a fresh factor */
  capability_step_up: {
    input: {
      body: {
        readonly jti: string;
        /** The tenant that this is for. Default: the admin's own; for a superadmin "default". */
        readonly tenant?: string | undefined;
      };
    };
    reply: {
      token: string;
      jti: string;
      /** Absent when the token does not expire. */
      expires_at?: string;
      subject: string;
      tenant: string;
      /** One-time secret with which the holder can append a narrower block offline. Shown once. */
      attenuation_key?: string;
      /** With which the holder signs what it remembers: 32 bytes as base64url. */
      memory_signing_key?: string;
    };
  };

  /** Revoke a capability token by its id */
  capability_revoke: {
    input: {
      body: {
        readonly jti: string;
        readonly reason?: string | undefined;
        /** For a superadmin: the tenant of a block that was appended offline. */
        readonly tenant?: string | undefined;
      };
    };
    reply: undefined;
  };

  /** List what was revoked, newest first */
  revocation_list: {
    input: {
      query?: {
        /** Superadmin only: the tenant that this is about. A tenant's admin is always in its own. */
        readonly tenant?: string | undefined;
        /** At most this many items (1 to 1000; 100 when absent). */
        readonly limit?: number | undefined;
        /** Opaque text from `next_cursor` of the page before. */
        readonly cursor?: string | undefined;
      };
    };
    reply: {
      items: { jti: string; tenant: string; revoked_at: string; reason: string }[];
      next_cursor?: string;
    };
  };

  /** Stop somebody or something at once */
  halt_engage: {
    input: {
      body: {
        /** global: everybody (superadmin only) · tenant · agent · tool: its name, or a glob · token: as it is presented · subtree: a token and all that is derived from it. */
        readonly scope: "global" | "tenant" | "agent" | "tool" | "token" | "subtree";
        /** Agent, tool or token id. For the scope tenant: nothing, or the tenant's name. */
        readonly value?: string | undefined;
        /** The tenant that this is for. Default: the admin's own; for a superadmin "default". */
        readonly tenant?: string | undefined;
        readonly reason: string;
        /** Ends by itself after so long … */
        readonly ttl_seconds?: number | undefined;
        /** … or at this instant. Without either: when it is released. */
        readonly expires_at?: string | undefined;
      };
    };
    reply: {
      id: string;
      scope: "global" | "tenant" | "agent" | "tool" | "token" | "subtree";
      value: string;
      /** Absent for the one that stops everybody. */
      tenant?: string;
      reason: string;
      state: "on" | "released" | "expired";
      engaged_at: string;
      engaged_by: string;
      /** Absent: until it is released. */
      expires_at?: string;
      released_at?: string;
      released_by?: string;
      release_reason?: string;
    };
  };

  /** List kill switches, newest first */
  halt_list: {
    input: {
      query?: {
        /** Superadmin only: the tenant that this is about. A tenant's admin is always in its own. */
        readonly tenant?: string | undefined;
        /** all: with those that have ended. */
        readonly state?: "on" | "all" | undefined;
        /** At most this many items (1 to 1000; 100 when absent). */
        readonly limit?: number | undefined;
        /** Opaque text from `next_cursor` of the page before. */
        readonly cursor?: string | undefined;
      };
    };
    reply: {
      items: {
        id: string;
        scope: "global" | "tenant" | "agent" | "tool" | "token" | "subtree";
        value: string;
        /** Absent for the one that stops everybody. */
        tenant?: string;
        reason: string;
        state: "on" | "released" | "expired";
        engaged_at: string;
        engaged_by: string;
        /** Absent: until it is released. */
        expires_at?: string;
        released_at?: string;
        released_by?: string;
        release_reason?: string;
      }[];
      next_cursor?: string;
    };
  };

  /** Let go what a kill switch stops */
  halt_release: {
    input: { params: { readonly id: string }; body: { readonly reason: string } };
    reply: undefined;
  };

  /** Let go by naming what is stopped */
  halt_release_target: {
    input: {
      body: {
        /** global: everybody (superadmin only) · tenant · agent · tool: its name, or a glob · token: as it is presented · subtree: a token and all that is derived from it. */
        readonly scope: "global" | "tenant" | "agent" | "tool" | "token" | "subtree";
        /** Agent, tool or token id. For the scope tenant: nothing, or the tenant's name. */
        readonly value?: string | undefined;
        /** The tenant that this is for. Default: the admin's own; for a superadmin "default". */
        readonly tenant?: string | undefined;
        readonly reason?: string | undefined;
      };
    };
    reply: undefined;
  };

  /** List drafts, newest first */
  policy_draft_list: {
    input: {
      query?: {
        /** Superadmin only: the tenant that this is about. A tenant's admin is always in its own. */
        readonly tenant?: string | undefined;
      };
    };
    reply: {
      id: string;
      name: string;
      description: string;
      tenant: string;
      /** Who the caller said wrote it, or the credential when nobody was named. */
      created_by: string;
      created_at: string;
      rego_sha256: string;
      updated_at: string;
      /** Whether it was ever promoted, and so cannot change any more. */
      promoted: boolean;
    }[];
  };

  /** Create a draft */
  policy_draft_create: {
    input: {
      body: {
        readonly name: string;
        readonly description?: string | undefined;
        readonly rego_source: string;
        /** The tenant that this is for. Default: the admin's own; for a superadmin "default". */
        readonly tenant?: string | undefined;
        readonly created_by?: string | undefined;
      };
    };
    reply: {
      id: string;
      name: string;
      description: string;
      tenant: string;
      /** Who the caller said wrote it, or the credential when nobody was named. */
      created_by: string;
      created_at: string;
      rego_sha256: string;
      updated_at: string;
      /** Whether it was ever promoted, and so cannot change any more. */
      promoted: boolean;
      rego_source: string;
    };
  };

  /** Read a draft with its source */
  policy_draft_view: {
    input: { params: { readonly id: string } };
    reply: {
      id: string;
      name: string;
      description: string;
      tenant: string;
      /** Who the caller said wrote it, or the credential when nobody was named. */
      created_by: string;
      created_at: string;
      rego_sha256: string;
      updated_at: string;
      /** Whether it was ever promoted, and so cannot change any more. */
      promoted: boolean;
      rego_source: string;
    };
  };

  /** Change a draft that was never promoted */
  policy_draft_update: {
    input: {
      params: { readonly id: string };
      body: {
        readonly name?: string | undefined;
        readonly description?: string | undefined;
        readonly rego_source?: string | undefined;
      };
    };
    reply: {
      id: string;
      name: string;
      description: string;
      tenant: string;
      /** Who the caller said wrote it, or the credential when nobody was named. */
      created_by: string;
      created_at: string;
      rego_sha256: string;
      updated_at: string;
      /** Whether it was ever promoted, and so cannot change any more. */
      promoted: boolean;
      rego_source: string;
    };
  };

  /** Delete a draft that was never promoted */
  policy_draft_delete: { input: { params: { readonly id: string } }; reply: undefined };

  /** Read what is in force */
  policy_active_view: {
    input: {
      query?: {
        /** Superadmin only: the tenant that this is about. A tenant's admin is always in its own. */
        readonly tenant?: string | undefined;
      };
    };
    reply: {
      draft_id: string;
      name: string;
      /** Who the caller said promoted it, or the credential when nobody was named. */
      promoted_by: string;
      promoted_at: string;
      rego_sha256: string;
      tenant: string;
      revision: number;
      /** SHA-256 of the signed bundle. */
      digest: string;
      /** When the bundle ends unless it is signed anew, which happens by itself. */
      expires_at: string;
    };
  };

  /** Put a draft in force */
  policy_promote: {
    input: {
      body: {
        readonly draft_id: string;
        /** The draft's tenant. A superadmin may leave it out. */
        readonly tenant?: string | undefined;
        readonly promoted_by?: string | undefined;
      };
    };
    reply:
      | {
          draft_id: string;
          name: string;
          /** Who the caller said promoted it, or the credential when nobody was named. */
          promoted_by: string;
          promoted_at: string;
          rego_sha256: string;
          tenant: string;
          revision: number;
          /** SHA-256 of the signed bundle. */
          digest: string;
          /** When the bundle ends unless it is signed anew, which happens by itself. */
          expires_at: string;
        }
      | {
          id: string;
          tenant: string;
          draft_id: string;
          name: string;
          rego_sha256: string;
          mode: "staged" | "shadow";
          percent: number;
          labels: Record<string, string>;
          stop_when: {
            /** By how much the share of calls that are not allowed may rise. */
            denials_up_percent_points: number;
            /** Fewer calls prove nothing. */
            calls_min: number;
          };
          status: "running" | "completed" | "stopped";
          /** The candidate's; its decisions are told under it. */
          revision: number;
          digest: string;
          started_at: string;
          started_by: string;
          changed_at: string;
          ended_at?: string;
          ended_by?: string;
          end_reason?: string;
        }
      | {
          proposal_id: string;
          tenant: string;
          /** What is to be done once somebody agrees. */
          kind: "promote" | "rollback" | "stage" | "complete";
          /** void = the draft was changed, or the rollout is over. */
          status: "proposed" | "approved" | "rejected" | "expired" | "void";
          draft_id: string;
          name: string;
          /** What exactly is agreed to. */
          rego_sha256: string;
          /** For a rollback: the revision whose content comes back. */
          revision?: number;
          /** For a completion. */
          rollout_id?: string;
          mode?: "staged" | "shadow";
          percent?: number;
          labels?: Record<string, string>;
          /** With mode, percent and labels: for a staged rollout. */
          stop_when?: {
            /** By how much the share of calls that are not allowed may rise. */
            denials_up_percent_points: number;
            /** Fewer calls prove nothing. */
            calls_min: number;
          };
          proposed_by: string;
          /** Who the caller said proposes it. */
          claimed_by: string;
          proposed_at: string;
          expires_at: string;
          decided_by?: string;
          decided_at?: string;
          decision_reason?: string;
        };
  };

  /** Put nothing in force: every call of the tenant is denied */
  policy_clear: {
    input: {
      query?: {
        /** Superadmin only: the tenant that this is about. A tenant's admin is always in its own. */
        readonly tenant?: string | undefined;
      };
    };
    reply: undefined;
  };

  /** Put the policy before this one in force again */
  policy_rollback: {
    input: {
      query?: {
        /** Superadmin only: the tenant that this is about. A tenant's admin is always in its own. */
        readonly tenant?: string | undefined;
      };
      body?:
        | {
            readonly rolled_back_by?: string | undefined;
            /** The tenant that this is for. Default: the admin's own; for a superadmin "default". */
            readonly tenant?: string | undefined;
            /** From the history. Default: what was in force before. */
            readonly revision?: number | undefined;
          }
        | undefined;
    };
    reply:
      | {
          draft_id: string;
          name: string;
          /** Who the caller said promoted it, or the credential when nobody was named. */
          promoted_by: string;
          promoted_at: string;
          rego_sha256: string;
          tenant: string;
          revision: number;
          /** SHA-256 of the signed bundle. */
          digest: string;
          /** When the bundle ends unless it is signed anew, which happens by itself. */
          expires_at: string;
        }
      | {
          id: string;
          tenant: string;
          draft_id: string;
          name: string;
          rego_sha256: string;
          mode: "staged" | "shadow";
          percent: number;
          labels: Record<string, string>;
          stop_when: {
            /** By how much the share of calls that are not allowed may rise. */
            denials_up_percent_points: number;
            /** Fewer calls prove nothing. */
            calls_min: number;
          };
          status: "running" | "completed" | "stopped";
          /** The candidate's; its decisions are told under it. */
          revision: number;
          digest: string;
          started_at: string;
          started_by: string;
          changed_at: string;
          ended_at?: string;
          ended_by?: string;
          end_reason?: string;
        }
      | {
          proposal_id: string;
          tenant: string;
          /** What is to be done once somebody agrees. */
          kind: "promote" | "rollback" | "stage" | "complete";
          /** void = the draft was changed, or the rollout is over. */
          status: "proposed" | "approved" | "rejected" | "expired" | "void";
          draft_id: string;
          name: string;
          /** What exactly is agreed to. */
          rego_sha256: string;
          /** For a rollback: the revision whose content comes back. */
          revision?: number;
          /** For a completion. */
          rollout_id?: string;
          mode?: "staged" | "shadow";
          percent?: number;
          labels?: Record<string, string>;
          /** With mode, percent and labels: for a staged rollout. */
          stop_when?: {
            /** By how much the share of calls that are not allowed may rise. */
            denials_up_percent_points: number;
            /** Fewer calls prove nothing. */
            calls_min: number;
          };
          proposed_by: string;
          /** Who the caller said proposes it. */
          claimed_by: string;
          proposed_at: string;
          expires_at: string;
          decided_by?: string;
          decided_at?: string;
          decision_reason?: string;
        };
  };

  /** List everything that was ever in force, newest first */
  policy_history: {
    input: {
      query?: {
        /** Superadmin only: the tenant that this is about. A tenant's admin is always in its own. */
        readonly tenant?: string | undefined;
        /** At most this many items (1 to 1000; 100 when absent). */
        readonly limit?: number | undefined;
        /** Opaque text from `next_cursor` of the page before. */
        readonly cursor?: string | undefined;
      };
    };
    reply: {
      items: {
        tenant: string;
        revision: number;
        /** renew = the same, signed anew; clear = nothing is in force. */
        kind: "promote" | "rollback" | "renew" | "clear";
        /** The promotion whose content this is. Absent for a clearing. */
        content_revision?: number;
        draft_id: string;
        name: string;
        rego_sha256: string;
        /** SHA-256 of the signed bundle. */
        digest?: string;
        activated_at: string;
        activated_by: string;
        /** Who the caller said does it. */
        claimed_by: string;
      }[];
      next_cursor?: string;
    };
  };

  /** List proposed changes, newest first */
  policy_proposal_list: {
    input: {
      query?: {
        /** Superadmin only: the tenant that this is about. A tenant's admin is always in its own. */
        readonly tenant?: string | undefined;
        /** At most this many items (1 to 1000; 100 when absent). */
        readonly limit?: number | undefined;
        /** Opaque text from `next_cursor` of the page before. */
        readonly cursor?: string | undefined;
      };
    };
    reply: {
      items: {
        proposal_id: string;
        tenant: string;
        /** What is to be done once somebody agrees. */
        kind: "promote" | "rollback" | "stage" | "complete";
        /** void = the draft was changed, or the rollout is over. */
        status: "proposed" | "approved" | "rejected" | "expired" | "void";
        draft_id: string;
        name: string;
        /** What exactly is agreed to. */
        rego_sha256: string;
        /** For a rollback: the revision whose content comes back. */
        revision?: number;
        /** For a completion. */
        rollout_id?: string;
        mode?: "staged" | "shadow";
        percent?: number;
        labels?: Record<string, string>;
        /** With mode, percent and labels: for a staged rollout. */
        stop_when?: {
          /** By how much the share of calls that are not allowed may rise. */
          denials_up_percent_points: number;
          /** Fewer calls prove nothing. */
          calls_min: number;
        };
        proposed_by: string;
        /** Who the caller said proposes it. */
        claimed_by: string;
        proposed_at: string;
        expires_at: string;
        decided_by?: string;
        decided_at?: string;
        decision_reason?: string;
      }[];
      next_cursor?: string;
    };
  };

  /** Read a proposed change */
  policy_proposal_view: {
    input: {
      params: { readonly id: string };
      query?: {
        /** Superadmin only: the tenant that this is about. A tenant's admin is always in its own. */
        readonly tenant?: string | undefined;
      };
    };
    reply: {
      proposal_id: string;
      tenant: string;
      /** What is to be done once somebody agrees. */
      kind: "promote" | "rollback" | "stage" | "complete";
      /** void = the draft was changed, or the rollout is over. */
      status: "proposed" | "approved" | "rejected" | "expired" | "void";
      draft_id: string;
      name: string;
      /** What exactly is agreed to. */
      rego_sha256: string;
      /** For a rollback: the revision whose content comes back. */
      revision?: number;
      /** For a completion. */
      rollout_id?: string;
      mode?: "staged" | "shadow";
      percent?: number;
      labels?: Record<string, string>;
      /** With mode, percent and labels: for a staged rollout. */
      stop_when?: {
        /** By how much the share of calls that are not allowed may rise. */
        denials_up_percent_points: number;
        /** Fewer calls prove nothing. */
        calls_min: number;
      };
      proposed_by: string;
      /** Who the caller said proposes it. */
      claimed_by: string;
      proposed_at: string;
      expires_at: string;
      decided_by?: string;
      decided_at?: string;
      decision_reason?: string;
    };
  };

  /** Agree to a proposed change, or turn it down */
  policy_proposal_decide: {
    input: {
      params: { readonly id: string };
      query?: {
        /** Superadmin only: the tenant that this is about. A tenant's admin is always in its own. */
        readonly tenant?: string | undefined;
      };
      body: {
        readonly decision: "approve" | "reject";
        readonly rego_sha256: string;
        readonly reason?: string | undefined;
        readonly decided_by?: string | undefined;
      };
    };
    reply:
      | {
          draft_id: string;
          name: string;
          /** Who the caller said promoted it, or the credential when nobody was named. */
          promoted_by: string;
          promoted_at: string;
          rego_sha256: string;
          tenant: string;
          revision: number;
          /** SHA-256 of the signed bundle. */
          digest: string;
          /** When the bundle ends unless it is signed anew, which happens by itself. */
          expires_at: string;
        }
      | {
          id: string;
          tenant: string;
          draft_id: string;
          name: string;
          rego_sha256: string;
          mode: "staged" | "shadow";
          percent: number;
          labels: Record<string, string>;
          stop_when: {
            /** By how much the share of calls that are not allowed may rise. */
            denials_up_percent_points: number;
            /** Fewer calls prove nothing. */
            calls_min: number;
          };
          status: "running" | "completed" | "stopped";
          /** The candidate's; its decisions are told under it. */
          revision: number;
          digest: string;
          started_at: string;
          started_by: string;
          changed_at: string;
          ended_at?: string;
          ended_by?: string;
          end_reason?: string;
        }
      | {
          proposal_id: string;
          tenant: string;
          /** What is to be done once somebody agrees. */
          kind: "promote" | "rollback" | "stage" | "complete";
          /** void = the draft was changed, or the rollout is over. */
          status: "proposed" | "approved" | "rejected" | "expired" | "void";
          draft_id: string;
          name: string;
          /** What exactly is agreed to. */
          rego_sha256: string;
          /** For a rollback: the revision whose content comes back. */
          revision?: number;
          /** For a completion. */
          rollout_id?: string;
          mode?: "staged" | "shadow";
          percent?: number;
          labels?: Record<string, string>;
          /** With mode, percent and labels: for a staged rollout. */
          stop_when?: {
            /** By how much the share of calls that are not allowed may rise. */
            denials_up_percent_points: number;
            /** Fewer calls prove nothing. */
            calls_min: number;
          };
          proposed_by: string;
          /** Who the caller said proposes it. */
          claimed_by: string;
          proposed_at: string;
          expires_at: string;
          decided_by?: string;
          decided_at?: string;
          decision_reason?: string;
        };
  };

  /** Try a draft in some sidecars, or beside the active policy in all of them */
  policy_rollout_start: {
    input: {
      body: {
        readonly draft_id: string;
        /** The draft's tenant. A superadmin may leave it out. */
        readonly tenant?: string | undefined;
        readonly mode?: "staged" | "shadow" | undefined;
        readonly percent?: number | undefined;
        readonly labels?: Record<string, string> | undefined;
        readonly stop_when?:
          | {
              /** By how much the share of calls that are not allowed may rise. */
              readonly denials_up_percent_points?: number | undefined;
              /** Fewer calls prove nothing. */
              readonly calls_min?: number | undefined;
            }
          | undefined;
        readonly started_by?: string | undefined;
      };
    };
    reply:
      | {
          draft_id: string;
          name: string;
          /** Who the caller said promoted it, or the credential when nobody was named. */
          promoted_by: string;
          promoted_at: string;
          rego_sha256: string;
          tenant: string;
          revision: number;
          /** SHA-256 of the signed bundle. */
          digest: string;
          /** When the bundle ends unless it is signed anew, which happens by itself. */
          expires_at: string;
        }
      | {
          id: string;
          tenant: string;
          draft_id: string;
          name: string;
          rego_sha256: string;
          mode: "staged" | "shadow";
          percent: number;
          labels: Record<string, string>;
          stop_when: {
            /** By how much the share of calls that are not allowed may rise. */
            denials_up_percent_points: number;
            /** Fewer calls prove nothing. */
            calls_min: number;
          };
          status: "running" | "completed" | "stopped";
          /** The candidate's; its decisions are told under it. */
          revision: number;
          digest: string;
          started_at: string;
          started_by: string;
          changed_at: string;
          ended_at?: string;
          ended_by?: string;
          end_reason?: string;
        }
      | {
          proposal_id: string;
          tenant: string;
          /** What is to be done once somebody agrees. */
          kind: "promote" | "rollback" | "stage" | "complete";
          /** void = the draft was changed, or the rollout is over. */
          status: "proposed" | "approved" | "rejected" | "expired" | "void";
          draft_id: string;
          name: string;
          /** What exactly is agreed to. */
          rego_sha256: string;
          /** For a rollback: the revision whose content comes back. */
          revision?: number;
          /** For a completion. */
          rollout_id?: string;
          mode?: "staged" | "shadow";
          percent?: number;
          labels?: Record<string, string>;
          /** With mode, percent and labels: for a staged rollout. */
          stop_when?: {
            /** By how much the share of calls that are not allowed may rise. */
            denials_up_percent_points: number;
            /** Fewer calls prove nothing. */
            calls_min: number;
          };
          proposed_by: string;
          /** Who the caller said proposes it. */
          claimed_by: string;
          proposed_at: string;
          expires_at: string;
          decided_by?: string;
          decided_at?: string;
          decision_reason?: string;
        };
  };

  /** List rollouts with what was counted, newest first */
  policy_rollout_list: {
    input: {
      query?: {
        /** Superadmin only: the tenant that this is about. A tenant's admin is always in its own. */
        readonly tenant?: string | undefined;
        /** At most this many items (1 to 100; 20 when absent). */
        readonly limit?: number | undefined;
        /** Opaque text from `next_cursor` of the page before. */
        readonly cursor?: string | undefined;
      };
    };
    reply: {
      items: {
        id: string;
        tenant: string;
        draft_id: string;
        name: string;
        rego_sha256: string;
        mode: "staged" | "shadow";
        percent: number;
        labels: Record<string, string>;
        stop_when: {
          /** By how much the share of calls that are not allowed may rise. */
          denials_up_percent_points: number;
          /** Fewer calls prove nothing. */
          calls_min: number;
        };
        status: "running" | "completed" | "stopped";
        /** The candidate's; its decisions are told under it. */
        revision: number;
        digest: string;
        started_at: string;
        started_by: string;
        changed_at: string;
        ended_at?: string;
        ended_by?: string;
        end_reason?: string;
        figures: {
          /** Sidecars that have reported. */
          sidecars: number;
          taking_part: number;
          /** Of those, how many have the candidate ready. */
          loaded: number;
          /** What the active policy said. */
          active: { allowed: number; blocked: number; escalated: number };
          /** What the candidate said. */
          candidate: { allowed: number; blocked: number; escalated: number };
          /** Calls of which both were asked. */
          compared: number;
          /** Calls that were not compared, because too many waited for it. */
          skipped: number;
          differences: Record<
            | "allow_to_block"
            | "allow_to_escalate"
            | "block_to_allow"
            | "block_to_escalate"
            | "escalate_to_allow"
            | "escalate_to_block",
            number
          >;
          load_failures: number;
          problem?: string;
        };
      }[];
      next_cursor?: string;
    };
  };

  /** Read a rollout: what was counted, and calls that differ */
  policy_rollout_view: {
    input: {
      params: { readonly id: string };
      query?: {
        /** Superadmin only: the tenant that this is about. A tenant's admin is always in its own. */
        readonly tenant?: string | undefined;
      };
    };
    reply: {
      id: string;
      tenant: string;
      draft_id: string;
      name: string;
      rego_sha256: string;
      mode: "staged" | "shadow";
      percent: number;
      labels: Record<string, string>;
      stop_when: {
        /** By how much the share of calls that are not allowed may rise. */
        denials_up_percent_points: number;
        /** Fewer calls prove nothing. */
        calls_min: number;
      };
      status: "running" | "completed" | "stopped";
      /** The candidate's; its decisions are told under it. */
      revision: number;
      digest: string;
      started_at: string;
      started_by: string;
      changed_at: string;
      ended_at?: string;
      ended_by?: string;
      end_reason?: string;
      figures: {
        /** Sidecars that have reported. */
        sidecars: number;
        taking_part: number;
        /** Of those, how many have the candidate ready. */
        loaded: number;
        /** What the active policy said. */
        active: { allowed: number; blocked: number; escalated: number };
        /** What the candidate said. */
        candidate: { allowed: number; blocked: number; escalated: number };
        /** Calls of which both were asked. */
        compared: number;
        /** Calls that were not compared, because too many waited for it. */
        skipped: number;
        differences: Record<
          | "allow_to_block"
          | "allow_to_escalate"
          | "block_to_allow"
          | "block_to_escalate"
          | "escalate_to_allow"
          | "escalate_to_block",
          number
        >;
        load_failures: number;
        problem?: string;
      };
      /** A few calls of which the policies say different things. `request_id` leads to the call's audit event. */
      samples: {
        difference:
          | "allow_to_block"
          | "allow_to_escalate"
          | "block_to_allow"
          | "block_to_escalate"
          | "escalate_to_allow"
          | "escalate_to_block";
        tool: string;
        agent: string;
        request_id: string;
        sidecar_id: string;
      }[];
    };
  };

  /** Let more sidecars take part, or fewer */
  policy_rollout_change: {
    input: {
      params: { readonly id: string };
      query?: {
        /** Superadmin only: the tenant that this is about. A tenant's admin is always in its own. */
        readonly tenant?: string | undefined;
      };
      body: { readonly percent: number };
    };
    reply: {
      id: string;
      tenant: string;
      draft_id: string;
      name: string;
      rego_sha256: string;
      mode: "staged" | "shadow";
      percent: number;
      labels: Record<string, string>;
      stop_when: {
        /** By how much the share of calls that are not allowed may rise. */
        denials_up_percent_points: number;
        /** Fewer calls prove nothing. */
        calls_min: number;
      };
      status: "running" | "completed" | "stopped";
      /** The candidate's; its decisions are told under it. */
      revision: number;
      digest: string;
      started_at: string;
      started_by: string;
      changed_at: string;
      ended_at?: string;
      ended_by?: string;
      end_reason?: string;
    };
  };

  /** Put in force everywhere exactly what was tried */
  policy_rollout_complete: {
    input: {
      params: { readonly id: string };
      query?: {
        /** Superadmin only: the tenant that this is about. A tenant's admin is always in its own. */
        readonly tenant?: string | undefined;
      };
      body?: { readonly promoted_by?: string | undefined } | undefined;
    };
    reply:
      | {
          draft_id: string;
          name: string;
          /** Who the caller said promoted it, or the credential when nobody was named. */
          promoted_by: string;
          promoted_at: string;
          rego_sha256: string;
          tenant: string;
          revision: number;
          /** SHA-256 of the signed bundle. */
          digest: string;
          /** When the bundle ends unless it is signed anew, which happens by itself. */
          expires_at: string;
        }
      | {
          id: string;
          tenant: string;
          draft_id: string;
          name: string;
          rego_sha256: string;
          mode: "staged" | "shadow";
          percent: number;
          labels: Record<string, string>;
          stop_when: {
            /** By how much the share of calls that are not allowed may rise. */
            denials_up_percent_points: number;
            /** Fewer calls prove nothing. */
            calls_min: number;
          };
          status: "running" | "completed" | "stopped";
          /** The candidate's; its decisions are told under it. */
          revision: number;
          digest: string;
          started_at: string;
          started_by: string;
          changed_at: string;
          ended_at?: string;
          ended_by?: string;
          end_reason?: string;
        }
      | {
          proposal_id: string;
          tenant: string;
          /** What is to be done once somebody agrees. */
          kind: "promote" | "rollback" | "stage" | "complete";
          /** void = the draft was changed, or the rollout is over. */
          status: "proposed" | "approved" | "rejected" | "expired" | "void";
          draft_id: string;
          name: string;
          /** What exactly is agreed to. */
          rego_sha256: string;
          /** For a rollback: the revision whose content comes back. */
          revision?: number;
          /** For a completion. */
          rollout_id?: string;
          mode?: "staged" | "shadow";
          percent?: number;
          labels?: Record<string, string>;
          /** With mode, percent and labels: for a staged rollout. */
          stop_when?: {
            /** By how much the share of calls that are not allowed may rise. */
            denials_up_percent_points: number;
            /** Fewer calls prove nothing. */
            calls_min: number;
          };
          proposed_by: string;
          /** Who the caller said proposes it. */
          claimed_by: string;
          proposed_at: string;
          expires_at: string;
          decided_by?: string;
          decided_at?: string;
          decision_reason?: string;
        };
  };

  /** Take the candidate back: every sidecar returns to the active policy */
  policy_rollout_stop: {
    input: {
      params: { readonly id: string };
      query?: {
        /** Superadmin only: the tenant that this is about. A tenant's admin is always in its own. */
        readonly tenant?: string | undefined;
      };
      body?: { readonly reason?: string | undefined } | undefined;
    };
    reply: {
      id: string;
      tenant: string;
      draft_id: string;
      name: string;
      rego_sha256: string;
      mode: "staged" | "shadow";
      percent: number;
      labels: Record<string, string>;
      stop_when: {
        /** By how much the share of calls that are not allowed may rise. */
        denials_up_percent_points: number;
        /** Fewer calls prove nothing. */
        calls_min: number;
      };
      status: "running" | "completed" | "stopped";
      /** The candidate's; its decisions are told under it. */
      revision: number;
      digest: string;
      started_at: string;
      started_by: string;
      changed_at: string;
      ended_at?: string;
      ended_by?: string;
      end_reason?: string;
    };
  };

  /** Judge a call, or calls of the past, by a policy that is not in force */
  policy_dry_run: {
    input: {
      body: {
        /** The candidate. */
        readonly rego_source?: string | undefined;
        /** Another name of `rego_source`. */
        readonly rego?: string | undefined;
        /** The tenant that this is for. Default: the admin's own; for a superadmin "default". */
        readonly tenant?: string | undefined;
        /** A policy input; what is left out has a plain value. */
        readonly input?:
          | {
              readonly action?: "call" | "list" | undefined;
              readonly method?: string | undefined;
              readonly tool?: string | undefined;
              readonly args?: Record<string, unknown> | undefined;
              readonly agent_id?: string | undefined;
              readonly session_id?: string | undefined;
              readonly upstream?: string | undefined;
              readonly intent?:
                | {
                    readonly summary?: string | undefined;
                    readonly allowed_tools?: readonly string[] | undefined;
                    readonly forbidden_tools?: readonly string[] | undefined;
                    readonly confidence?: number | undefined;
                  }
                | undefined;
              readonly capability?:
                | {
                    readonly subject?: string | undefined;
                    readonly issuer?: string | undefined;
                    readonly tenant?: string | undefined;
                    readonly token_id?: string | undefined;
                    readonly root_token_id?: string | undefined;
                    readonly caveat_count?: number | undefined;
                    readonly issued_at?: string | undefined;
                    readonly expires_at?: string | undefined;
                    readonly step_up_at?: string | undefined;
                    readonly step_up_age_seconds?: number | undefined;
                  }
                | undefined;
              readonly approval?:
                | { readonly id: string; readonly decided_by: string; readonly decided_at: string }
                | undefined;
              readonly budget?:
                | {
                    readonly calls_remaining?: number | undefined;
                    readonly cost_micros_remaining?: number | undefined;
                    readonly rate_remaining?: number | undefined;
                  }
                | undefined;
              readonly time?:
                | {
                    readonly now?: string | undefined;
                    readonly unix_ms?: number | undefined;
                    readonly hour?: number | undefined;
                    readonly minute?: number | undefined;
                    readonly weekday?: number | undefined;
                  }
                | undefined;
              readonly remote_address?: string | undefined;
              readonly request_id?: string | undefined;
            }
          | undefined;
        /** Calls of the past: last:N, 90m, 24h, 7d, tool:<name>, agent:<id>, joined by commas; or an event's id. */
        readonly sample?: string | undefined;
        /** Calls from this instant on. */
        readonly from?: string | undefined;
        /** Calls before this instant. */
        readonly to?: string | undefined;
        /** The newest so many calls. */
        readonly limit?: number | undefined;
        readonly agent_id?: string | undefined;
        readonly tool?: string | undefined;
        /** How many decisions to answer with, changed ones first. */
        readonly max_samples?: number | undefined;
      };
    };
    reply: {
      decisions: {
        /** What the policies were asked. */
        input: Record<string, JsonValue>;
        candidate_decision: "allow" | "block" | "escalate";
        /** What happened at the policy; of a written input, what the active policy says. */
        actual_decision: "allow" | "block" | "escalate";
        /** The candidate's `rule`; "" when it names none. */
        rule: string;
        candidate_reason: string;
        candidate_requires_step_up: boolean;
        actual_reason: string;
        /** What the policy in force says now. */
        active_decision: "allow" | "block" | "escalate";
        active_reason: string;
        active_rule: string;
        /** "" for a written input. */
        event_id: string;
        ts?: string;
        /** The candidate decides otherwise than what happened. */
        changed: boolean;
        /** The candidate reads something that is missing. */
        uncertain: boolean;
        /** The candidate could not decide, which denies the call. */
        failed: boolean;
        /** Paths of `input` that the candidate or the active policy reads and that the event does not hold. */
        missing: string[];
      }[];
      summary: {
        /** unchanged + changed + uncertain */
        evaluated: number;
        unchanged: number;
        changed: number;
        uncertain: number;
        failed: number;
        allow_to_block: number;
        allow_to_escalate: number;
        block_to_allow: number;
        block_to_escalate: number;
        escalate_to_allow: number;
        escalate_to_block: number;
        /** The same beside what the policy in force says now. */
        from_active: {
          allow_to_block: number;
          allow_to_escalate: number;
          block_to_allow: number;
          block_to_escalate: number;
          escalate_to_allow: number;
          escalate_to_block: number;
        };
        candidate: { allow: number; block: number; escalate: number };
        /** Those with the most changes. */
        tools: { name: string; changed: number; evaluated: number }[];
        agents: { name: string; changed: number; evaluated: number }[];
      };
      safety: {
        finding:
          | "mass_block"
          | "mass_allow"
          | "escalation_surge"
          | "policy_error"
          | "allows_everything"
          | "denies_everything"
          | "default_deny_removed"
          | "no_change"
          | "not_tested";
        severity: "info" | "warning" | "critical";
        message: string;
      }[];
      /** The run ended before all that was named was judged. */
      partial: boolean;
      partial_reason?: "time" | "history" | "caller";
      rego_sha256: string;
    };
  };

  /** Read events, newest first */
  audit_query: {
    input: {
      query?: {
        /** Superadmin only: the tenant that this is about. A tenant's admin is always in its own. */
        readonly tenant?: string | undefined;
        /** From this instant on. */
        readonly since?: string | undefined;
        /** Before this instant. */
        readonly until?: string | undefined;
        /** Another name of `since`. */
        readonly from?: string | undefined;
        /** Another name of `until`. */
        readonly to?: string | undefined;
        readonly decision?: "allow" | "block" | "escalate" | undefined;
        readonly tool?: string | undefined;
        /** The agent. */
        readonly subject?: string | undefined;
        /** Another name of `subject`. */
        readonly agent_id?: string | undefined;
        /** At most this many items (1 to 1000; 100 when absent). */
        readonly limit?: number | undefined;
        /** Opaque text from `next_cursor` of the page before. */
        readonly cursor?: string | undefined;
      };
    };
    reply: { items: AuditEvent[]; next_cursor?: string };
  };

  /** Verify a tenant's whole chain */
  audit_verify: {
    input: {
      query?: {
        /** Superadmin only: the tenant that this is about. A tenant's admin is always in its own. */
        readonly tenant?: string | undefined;
      };
    };
    reply: {
      tenant: string;
      verified: boolean;
      /** Events that are right, from the first one on. */
      events_checked: number;
      chain_head_id: string;
      /** Absent when there is no event yet. */
      chain_head_at?: string;
      duration_ms: number;
      /** "" when nothing is broken. */
      first_broken_event_id: string;
    };
  };

  /** Sign where a tenant's log stands */
  audit_checkpoint: {
    input: {
      query?: {
        /** Superadmin only: the tenant that this is about. A tenant's admin is always in its own. */
        readonly tenant?: string | undefined;
      };
    };
    reply: string;
  };

  /** Stream a tenant's log, oldest first */
  audit_export: {
    input: {
      query: {
        readonly format: "csv" | "json" | "ndjson";
        /** Superadmin only: the tenant that this is about. A tenant's admin is always in its own. */
        readonly tenant?: string | undefined;
        /** From this instant on. */
        readonly since?: string | undefined;
        /** Before this instant. */
        readonly until?: string | undefined;
        /** Another name of `since`. */
        readonly from?: string | undefined;
        /** Another name of `until`. */
        readonly to?: string | undefined;
      };
    };
    reply: string;
  };

  /** List tenants */
  tenant_list: {
    input: Record<string, never>;
    reply: {
      name: string;
      /** "" when there is no active policy. */
      active_policy_sha: string;
      pending_approvals: number;
      /** Events of about the last 24 hours. */
      recent_event_count: number;
    }[];
  };

  /** Add a tenant */
  tenant_create: {
    input: { body: { readonly name: string } };
    reply: {
      name: string;
      /** "" when there is no active policy. */
      active_policy_sha: string;
      pending_approvals: number;
      /** Events of about the last 24 hours. */
      recent_event_count: number;
    };
  };

  /** Add a sidecar */
  sidecar_create: {
    input: {
      body: {
        /** The tenant that this is for. Default: the admin's own; for a superadmin "default". */
        readonly tenant?: string | undefined;
        readonly name?: string | undefined;
      };
    };
    reply: {
      sidecar_id: string;
      tenant: string;
      name: string;
      /** The sidecar's bearer credential. Shown once. */
      credential: string;
      /** The public key that the sidecar pins. */
      trust_root: string;
    };
  };

  /** List sidecars */
  sidecar_list: {
    input: {
      query?: {
        /** Superadmin only: the tenant that this is about. A tenant's admin is always in its own. */
        readonly tenant?: string | undefined;
        /** At most this many items (1 to 1000; 100 when absent). */
        readonly limit?: number | undefined;
        /** Opaque text from `next_cursor` of the page before. */
        readonly cursor?: string | undefined;
      };
    };
    reply: {
      items: {
        sidecar_id: string;
        tenant: string;
        name: string;
        created_at: string;
        /** Number of its latest boot; 0 = it never registered. */
        epoch: number;
        registered_at?: string;
        version?: string;
        hostname?: string;
      }[];
      next_cursor?: string;
    };
  };

  /** Remove a sidecar */
  sidecar_delete: {
    input: {
      params: { readonly id: string };
      query?: {
        /** Superadmin only: the tenant that this is about. A tenant's admin is always in its own. */
        readonly tenant?: string | undefined;
      };
    };
    reply: undefined;
  };

  /** List a tenant's public keys */
  key_list: {
    input: {
      query?: {
        /** Superadmin only: the tenant that this is about. A tenant's admin is always in its own. */
        readonly tenant?: string | undefined;
        /** Whether keys that are not published yet are listed too. */
        readonly prepared?: boolean | undefined;
      };
    };
    reply: {
      kid: string;
      public_key: string;
      use: "root" | "capability" | "bundle" | "state" | "log";
      status: "prepared" | "published" | "active" | "retired";
      not_after?: string;
      tenant: string;
      created_at: string;
      /** For log keys: what verifies the log's checkpoints (C2SP signed-note). */
      vkey?: string;
    }[];
  };

  /** Make a further key */
  key_prepare: {
    input: {
      body: {
        readonly use: "capability" | "bundle" | "state" | "log";
        /** The tenant that this is for. Default: the admin's own; for a superadmin "default". */
        readonly tenant?: string | undefined;
      };
    };
    reply: {
      kid: string;
      public_key: string;
      use: "root" | "capability" | "bundle" | "state" | "log";
      status: "prepared" | "published" | "active" | "retired";
      not_after?: string;
      tenant: string;
      created_at: string;
      /** For log keys: what verifies the log's checkpoints (C2SP signed-note). */
      vkey?: string;
    };
  };

  /** Tell verifiers of a key */
  key_publish: {
    input: {
      params: { readonly kid: string };
      query?: {
        /** Superadmin only: the tenant that this is about. A tenant's admin is always in its own. */
        readonly tenant?: string | undefined;
      };
    };
    reply: {
      kid: string;
      public_key: string;
      use: "root" | "capability" | "bundle" | "state" | "log";
      status: "prepared" | "published" | "active" | "retired";
      not_after?: string;
      tenant: string;
      created_at: string;
      /** For log keys: what verifies the log's checkpoints (C2SP signed-note). */
      vkey?: string;
    };
  };

  /** Let a published key sign; the one before it stays trusted */
  key_activate: {
    input: {
      params: { readonly kid: string };
      query?: {
        /** Superadmin only: the tenant that this is about. A tenant's admin is always in its own. */
        readonly tenant?: string | undefined;
      };
    };
    reply: {
      kid: string;
      public_key: string;
      use: "root" | "capability" | "bundle" | "state" | "log";
      status: "prepared" | "published" | "active" | "retired";
      not_after?: string;
      tenant: string;
      created_at: string;
      /** For log keys: what verifies the log's checkpoints (C2SP signed-note). */
      vkey?: string;
    };
  };

  /** Stop trusting a key after an instant */
  key_retire: {
    input: {
      params: { readonly kid: string };
      query?: {
        /** Superadmin only: the tenant that this is about. A tenant's admin is always in its own. */
        readonly tenant?: string | undefined;
      };
      body: {
        /** Until when what it signed is accepted. */
        readonly not_after: string;
      };
    };
    reply: {
      kid: string;
      public_key: string;
      use: "root" | "capability" | "bundle" | "state" | "log";
      status: "prepared" | "published" | "active" | "retired";
      not_after?: string;
      tenant: string;
      created_at: string;
      /** For log keys: what verifies the log's checkpoints (C2SP signed-note). */
      vkey?: string;
    };
  };

  /** Trust an issuer of access tokens */
  issuer_create: {
    input: {
      body: {
        /** The tenant that this is for. Default: the admin's own; for a superadmin "default". */
        readonly tenant?: string | undefined;
        /** Its `iss`, character by character. Never changes. */
        readonly issuer: string;
        readonly audiences: readonly string[];
        readonly jwks_uri?: string | undefined;
        readonly algorithms?:
          | readonly (
              | "RS256"
              | "RS384"
              | "RS512"
              | "PS256"
              | "PS384"
              | "PS512"
              | "ES256"
              | "ES384"
              | "ES512"
              | "EdDSA"
              | "Ed25519"
            )[]
          | undefined;
        readonly scopes?: readonly string[] | undefined;
        readonly rules: readonly {
          readonly name: string;
          readonly match: Record<
            string,
            | (string | number | boolean)
            | { readonly glob: string }
            | { readonly one_of: readonly (string | number | boolean)[] }
          >;
          readonly grant: {
            readonly agent: string;
            readonly caveats?:
              | readonly (
                  | { readonly type: "expiry"; readonly at: string }
                  | { readonly type: "tool_allow"; readonly tools: readonly string[] }
                  | { readonly type: "tool_deny"; readonly tools: readonly string[] }
                  | { readonly type: "agent_lock"; readonly agent: string }
                  | { readonly type: "max_calls"; readonly limit: number }
                  | { readonly type: "rate"; readonly per_minute: number }
                  | { readonly type: "max_cost"; readonly micros: number }
                  | {
                      readonly type: "arguments";
                      readonly tool?: string | undefined;
                      readonly predicates: readonly (
                        | {
                            readonly op: "eq" | "ne";
                            readonly path: string;
                            readonly value: string | number | boolean | null;
                          }
                        | {
                            readonly op: "lt" | "lte" | "gt" | "gte";
                            readonly path: string;
                            readonly value: number;
                          }
                        | {
                            readonly op: "in";
                            readonly path: string;
                            readonly values: readonly (string | number | boolean | null)[];
                          }
                        | { readonly op: "glob"; readonly path: string; readonly value: string }
                      )[];
                    }
                  | { readonly type: "upstreams"; readonly names: readonly string[] }
                  | { readonly type: "step_up"; readonly at: string }
                  | { readonly type: "callee_allow"; readonly agents: readonly string[] }
                )[]
              | undefined;
            readonly ttl_seconds?: number | undefined;
          };
        }[];
      };
    };
    reply: {
      audiences: string[];
      jwks_uri?: string;
      algorithms: (
        | "RS256"
        | "RS384"
        | "RS512"
        | "PS256"
        | "PS384"
        | "PS512"
        | "ES256"
        | "ES384"
        | "ES512"
        | "EdDSA"
        | "Ed25519"
      )[];
      scopes: string[];
      rules: {
        name: string;
        match: Record<
          string,
          (string | number | boolean) | { glob: string } | { one_of: (string | number | boolean)[] }
        >;
        grant: {
          agent: string;
          caveats: (
            | { type: "expiry"; at: string }
            | { type: "tool_allow"; tools: string[] }
            | { type: "tool_deny"; tools: string[] }
            | { type: "agent_lock"; agent: string }
            | { type: "max_calls"; limit: number }
            | { type: "rate"; per_minute: number }
            | { type: "max_cost"; micros: number }
            | {
                type: "arguments";
                tool?: string;
                predicates: (
                  | { op: "eq" | "ne"; path: string; value: string | number | boolean | null }
                  | { op: "lt" | "lte" | "gt" | "gte"; path: string; value: number }
                  | { op: "in"; path: string; values: (string | number | boolean | null)[] }
                  | { op: "glob"; path: string; value: string }
                )[];
              }
            | { type: "upstreams"; names: string[] }
            | { type: "step_up"; at: string }
            | { type: "callee_allow"; agents: string[] }
          )[];
          ttl_seconds: number;
        };
      }[];
      id: string;
      tenant: string;
      issuer: string;
      created_at: string;
      created_by: string;
      updated_at: string;
      updated_by: string;
    };
  };

  /** List trusted issuers */
  issuer_list: {
    input: {
      query?: {
        /** Superadmin only: the tenant that this is about. A tenant's admin is always in its own. */
        readonly tenant?: string | undefined;
      };
    };
    reply: {
      audiences: string[];
      jwks_uri?: string;
      algorithms: (
        | "RS256"
        | "RS384"
        | "RS512"
        | "PS256"
        | "PS384"
        | "PS512"
        | "ES256"
        | "ES384"
        | "ES512"
        | "EdDSA"
        | "Ed25519"
      )[];
      scopes: string[];
      rules: {
        name: string;
        match: Record<
          string,
          (string | number | boolean) | { glob: string } | { one_of: (string | number | boolean)[] }
        >;
        grant: {
          agent: string;
          caveats: (
            | { type: "expiry"; at: string }
            | { type: "tool_allow"; tools: string[] }
            | { type: "tool_deny"; tools: string[] }
            | { type: "agent_lock"; agent: string }
            | { type: "max_calls"; limit: number }
            | { type: "rate"; per_minute: number }
            | { type: "max_cost"; micros: number }
            | {
                type: "arguments";
                tool?: string;
                predicates: (
                  | { op: "eq" | "ne"; path: string; value: string | number | boolean | null }
                  | { op: "lt" | "lte" | "gt" | "gte"; path: string; value: number }
                  | { op: "in"; path: string; values: (string | number | boolean | null)[] }
                  | { op: "glob"; path: string; value: string }
                )[];
              }
            | { type: "upstreams"; names: string[] }
            | { type: "step_up"; at: string }
            | { type: "callee_allow"; agents: string[] }
          )[];
          ttl_seconds: number;
        };
      }[];
      id: string;
      tenant: string;
      issuer: string;
      created_at: string;
      created_by: string;
      updated_at: string;
      updated_by: string;
    }[];
  };

  /** Read a trusted issuer with its rules */
  issuer_view: {
    input: { params: { readonly id: string } };
    reply: {
      audiences: string[];
      jwks_uri?: string;
      algorithms: (
        | "RS256"
        | "RS384"
        | "RS512"
        | "PS256"
        | "PS384"
        | "PS512"
        | "ES256"
        | "ES384"
        | "ES512"
        | "EdDSA"
        | "Ed25519"
      )[];
      scopes: string[];
      rules: {
        name: string;
        match: Record<
          string,
          (string | number | boolean) | { glob: string } | { one_of: (string | number | boolean)[] }
        >;
        grant: {
          agent: string;
          caveats: (
            | { type: "expiry"; at: string }
            | { type: "tool_allow"; tools: string[] }
            | { type: "tool_deny"; tools: string[] }
            | { type: "agent_lock"; agent: string }
            | { type: "max_calls"; limit: number }
            | { type: "rate"; per_minute: number }
            | { type: "max_cost"; micros: number }
            | {
                type: "arguments";
                tool?: string;
                predicates: (
                  | { op: "eq" | "ne"; path: string; value: string | number | boolean | null }
                  | { op: "lt" | "lte" | "gt" | "gte"; path: string; value: number }
                  | { op: "in"; path: string; values: (string | number | boolean | null)[] }
                  | { op: "glob"; path: string; value: string }
                )[];
              }
            | { type: "upstreams"; names: string[] }
            | { type: "step_up"; at: string }
            | { type: "callee_allow"; agents: string[] }
          )[];
          ttl_seconds: number;
        };
      }[];
      id: string;
      tenant: string;
      issuer: string;
      created_at: string;
      created_by: string;
      updated_at: string;
      updated_by: string;
    };
  };

  /** Change what an issuer is trusted for */
  issuer_replace: {
    input: {
      params: { readonly id: string };
      body: {
        readonly audiences: readonly string[];
        readonly jwks_uri?: string | undefined;
        readonly algorithms?:
          | readonly (
              | "RS256"
              | "RS384"
              | "RS512"
              | "PS256"
              | "PS384"
              | "PS512"
              | "ES256"
              | "ES384"
              | "ES512"
              | "EdDSA"
              | "Ed25519"
            )[]
          | undefined;
        readonly scopes?: readonly string[] | undefined;
        readonly rules: readonly {
          readonly name: string;
          readonly match: Record<
            string,
            | (string | number | boolean)
            | { readonly glob: string }
            | { readonly one_of: readonly (string | number | boolean)[] }
          >;
          readonly grant: {
            readonly agent: string;
            readonly caveats?:
              | readonly (
                  | { readonly type: "expiry"; readonly at: string }
                  | { readonly type: "tool_allow"; readonly tools: readonly string[] }
                  | { readonly type: "tool_deny"; readonly tools: readonly string[] }
                  | { readonly type: "agent_lock"; readonly agent: string }
                  | { readonly type: "max_calls"; readonly limit: number }
                  | { readonly type: "rate"; readonly per_minute: number }
                  | { readonly type: "max_cost"; readonly micros: number }
                  | {
                      readonly type: "arguments";
                      readonly tool?: string | undefined;
                      readonly predicates: readonly (
                        | {
                            readonly op: "eq" | "ne";
                            readonly path: string;
                            readonly value: string | number | boolean | null;
                          }
                        | {
                            readonly op: "lt" | "lte" | "gt" | "gte";
                            readonly path: string;
                            readonly value: number;
                          }
                        | {
                            readonly op: "in";
                            readonly path: string;
                            readonly values: readonly (string | number | boolean | null)[];
                          }
                        | { readonly op: "glob"; readonly path: string; readonly value: string }
                      )[];
                    }
                  | { readonly type: "upstreams"; readonly names: readonly string[] }
                  | { readonly type: "step_up"; readonly at: string }
                  | { readonly type: "callee_allow"; readonly agents: readonly string[] }
                )[]
              | undefined;
            readonly ttl_seconds?: number | undefined;
          };
        }[];
      };
    };
    reply: {
      audiences: string[];
      jwks_uri?: string;
      algorithms: (
        | "RS256"
        | "RS384"
        | "RS512"
        | "PS256"
        | "PS384"
        | "PS512"
        | "ES256"
        | "ES384"
        | "ES512"
        | "EdDSA"
        | "Ed25519"
      )[];
      scopes: string[];
      rules: {
        name: string;
        match: Record<
          string,
          (string | number | boolean) | { glob: string } | { one_of: (string | number | boolean)[] }
        >;
        grant: {
          agent: string;
          caveats: (
            | { type: "expiry"; at: string }
            | { type: "tool_allow"; tools: string[] }
            | { type: "tool_deny"; tools: string[] }
            | { type: "agent_lock"; agent: string }
            | { type: "max_calls"; limit: number }
            | { type: "rate"; per_minute: number }
            | { type: "max_cost"; micros: number }
            | {
                type: "arguments";
                tool?: string;
                predicates: (
                  | { op: "eq" | "ne"; path: string; value: string | number | boolean | null }
                  | { op: "lt" | "lte" | "gt" | "gte"; path: string; value: number }
                  | { op: "in"; path: string; values: (string | number | boolean | null)[] }
                  | { op: "glob"; path: string; value: string }
                )[];
              }
            | { type: "upstreams"; names: string[] }
            | { type: "step_up"; at: string }
            | { type: "callee_allow"; agents: string[] }
          )[];
          ttl_seconds: number;
        };
      }[];
      id: string;
      tenant: string;
      issuer: string;
      created_at: string;
      created_by: string;
      updated_at: string;
      updated_by: string;
    };
  };

  /** Trust an issuer no longer */
  issuer_delete: { input: { params: { readonly id: string } }; reply: undefined };

  /** Try the rules of an issuer: who would get what */
  issuer_explain: {
    input: {
      params: { readonly id: string };
      body: {
        /** Either claims … */
        readonly claims?: Record<string, unknown> | undefined;
        /** … or an access token. */
        readonly token?: string | undefined;
        /** Whom the token must be meant for. Default: the first audience. */
        readonly resource?: string | undefined;
      };
    };
    reply: {
      accepted: boolean;
      /** Why nothing would be given. */
      problem?: string;
      /** Name of the first rule that matches. */
      rule?: string;
      /** What the rules were asked about. */
      claims?: Record<string, JsonValue>;
      capability?: {
        agent: string;
        /** The id that the capability would have. Absent when the claims name no subject. */
        jti?: string;
        caveats: (
          | { type: "expiry"; at: string }
          | { type: "tool_allow"; tools: string[] }
          | { type: "tool_deny"; tools: string[] }
          | { type: "agent_lock"; agent: string }
          | { type: "max_calls"; limit: number }
          | { type: "rate"; per_minute: number }
          | { type: "max_cost"; micros: number }
          | {
              type: "arguments";
              tool?: string;
              predicates: (
                | { op: "eq" | "ne"; path: string; value: string | number | boolean | null }
                | { op: "lt" | "lte" | "gt" | "gte"; path: string; value: number }
                | { op: "in"; path: string; values: (string | number | boolean | null)[] }
                | { op: "glob"; path: string; value: string }
              )[];
            }
          | { type: "upstreams"; names: string[] }
          | { type: "step_up"; at: string }
          | { type: "callee_allow"; agents: string[] }
        )[];
        ttl_seconds: number;
      };
    };
  };

  /** List tools by upstream and name */
  tool_list: {
    input: {
      query?: {
        /** Superadmin only: the tenant that this is about. A tenant's admin is always in its own. */
        readonly tenant?: string | undefined;
        readonly upstream?: string | undefined;
        readonly status?: "pinned" | "quarantined" | "blocked" | undefined;
        /** At most this many items (1 to 1000; 100 when absent). */
        readonly limit?: number | undefined;
        /** Opaque text from `next_cursor` of the page before. */
        readonly cursor?: string | undefined;
      };
    };
    reply: {
      items: {
        id: string;
        tenant: string;
        upstream: string;
        name: string;
        status: "pinned" | "quarantined" | "blocked";
        /** Why it is held back; absent when it is not. */
        held_by?: "pin.changed" | "pin.unapproved" | "pin.shadowed";
        /** Definitions that may be used, the latest last. */
        approved_digests: string[];
        /** The definition that waits for approval. */
        waiting_digest?: string;
        /** What to look at before approving. */
        flags: ("invisible_unicode" | "unprintable_name" | "too_large" | "unusual_name")[];
        /** Whether a person approved it, and not the first sight of it. */
        approved_by_person: boolean;
        first_seen_at: string;
        /** When a sidecar told of it last; each does once after it has started. */
        last_seen_at: string;
        /** The sidecar that told of it last. */
        seen_by: string;
        /** "" while nobody has decided. */
        decided_by: string;
        decided_at?: string;
        decision_reason: string;
      }[];
      next_cursor?: string;
    };
  };

  /** Read which tools need approval */
  tool_mode_view: {
    input: {
      query?: {
        /** Superadmin only: the tenant that this is about. A tenant's admin is always in its own. */
        readonly tenant?: string | undefined;
      };
    };
    reply: { tenant: string; mode: "trust_first" | "approve_all" | "off" };
  };

  /** Choose which tools need approval */
  tool_mode_set: {
    input: {
      body: {
        readonly mode: "trust_first" | "approve_all" | "off";
        /** The tenant that this is for. Default: the admin's own; for a superadmin "default". */
        readonly tenant?: string | undefined;
      };
    };
    reply: { tenant: string; mode: "trust_first" | "approve_all" | "off" };
  };

  /** Read a tool: what is approved, what waits, and what differs */
  tool_view: {
    input: {
      params: { readonly id: string };
      query?: {
        /** Superadmin only: the tenant that this is about. A tenant's admin is always in its own. */
        readonly tenant?: string | undefined;
      };
    };
    reply: {
      id: string;
      tenant: string;
      upstream: string;
      name: string;
      status: "pinned" | "quarantined" | "blocked";
      /** Why it is held back; absent when it is not. */
      held_by?: "pin.changed" | "pin.unapproved" | "pin.shadowed";
      /** Definitions that may be used, the latest last. */
      approved_digests: string[];
      /** The definition that waits for approval. */
      waiting_digest?: string;
      /** What to look at before approving. */
      flags: ("invisible_unicode" | "unprintable_name" | "too_large" | "unusual_name")[];
      /** Whether a person approved it, and not the first sight of it. */
      approved_by_person: boolean;
      first_seen_at: string;
      /** When a sidecar told of it last; each does once after it has started. */
      last_seen_at: string;
      /** The sidecar that told of it last. */
      seen_by: string;
      /** "" while nobody has decided. */
      decided_by: string;
      decided_at?: string;
      decision_reason: string;
      /** The definition approved last; absent when it was too large to be kept. */
      approved?: Record<string, JsonValue>;
      /** The definition that waits; absent when it was too large to be kept. */
      waiting?: Record<string, JsonValue>;
      /** From what is approved to what waits, when both are known. */
      differences?: {
        /** JSON Pointer of the place that differs. */
        pointer: string;
        before?: JsonValue;
        after?: JsonValue;
      }[];
      /** False when there are more than are told. */
      differences_whole?: boolean;
    };
  };

  /** Approve a definition of a tool, and no other */
  tool_approve: {
    input: {
      params: { readonly id: string };
      query?: {
        /** Superadmin only: the tenant that this is about. A tenant's admin is always in its own. */
        readonly tenant?: string | undefined;
      };
      body: {
        readonly digest: string;
        readonly reason?: string | undefined;
        /** Leaves what was approved before approved, for two releases that run side by side. */
        readonly keep?: boolean | undefined;
      };
    };
    reply: {
      id: string;
      tenant: string;
      upstream: string;
      name: string;
      status: "pinned" | "quarantined" | "blocked";
      /** Why it is held back; absent when it is not. */
      held_by?: "pin.changed" | "pin.unapproved" | "pin.shadowed";
      /** Definitions that may be used, the latest last. */
      approved_digests: string[];
      /** The definition that waits for approval. */
      waiting_digest?: string;
      /** What to look at before approving. */
      flags: ("invisible_unicode" | "unprintable_name" | "too_large" | "unusual_name")[];
      /** Whether a person approved it, and not the first sight of it. */
      approved_by_person: boolean;
      first_seen_at: string;
      /** When a sidecar told of it last; each does once after it has started. */
      last_seen_at: string;
      /** The sidecar that told of it last. */
      seen_by: string;
      /** "" while nobody has decided. */
      decided_by: string;
      decided_at?: string;
      decision_reason: string;
      /** The definition approved last; absent when it was too large to be kept. */
      approved?: Record<string, JsonValue>;
      /** The definition that waits; absent when it was too large to be kept. */
      waiting?: Record<string, JsonValue>;
      /** From what is approved to what waits, when both are known. */
      differences?: {
        /** JSON Pointer of the place that differs. */
        pointer: string;
        before?: JsonValue;
        after?: JsonValue;
      }[];
      /** False when there are more than are told. */
      differences_whole?: boolean;
    };
  };

  /** Take a tool out of use, whatever its definition, until it is approved again */
  tool_quarantine: {
    input: {
      params: { readonly id: string };
      query?: {
        /** Superadmin only: the tenant that this is about. A tenant's admin is always in its own. */
        readonly tenant?: string | undefined;
      };
      body: { readonly reason?: string | undefined };
    };
    reply: {
      id: string;
      tenant: string;
      upstream: string;
      name: string;
      status: "pinned" | "quarantined" | "blocked";
      /** Why it is held back; absent when it is not. */
      held_by?: "pin.changed" | "pin.unapproved" | "pin.shadowed";
      /** Definitions that may be used, the latest last. */
      approved_digests: string[];
      /** The definition that waits for approval. */
      waiting_digest?: string;
      /** What to look at before approving. */
      flags: ("invisible_unicode" | "unprintable_name" | "too_large" | "unusual_name")[];
      /** Whether a person approved it, and not the first sight of it. */
      approved_by_person: boolean;
      first_seen_at: string;
      /** When a sidecar told of it last; each does once after it has started. */
      last_seen_at: string;
      /** The sidecar that told of it last. */
      seen_by: string;
      /** "" while nobody has decided. */
      decided_by: string;
      decided_at?: string;
      decision_reason: string;
      /** The definition approved last; absent when it was too large to be kept. */
      approved?: Record<string, JsonValue>;
      /** The definition that waits; absent when it was too large to be kept. */
      waiting?: Record<string, JsonValue>;
      /** From what is approved to what waits, when both are known. */
      differences?: {
        /** JSON Pointer of the place that differs. */
        pointer: string;
        before?: JsonValue;
        after?: JsonValue;
      }[];
      /** False when there are more than are told. */
      differences_whole?: boolean;
    };
  };

  /** Register an upstream */
  upstream_create: {
    input: {
      body: {
        /** The tenant that this is for. Default: the admin's own; for a superadmin "default". */
        readonly tenant?: string | undefined;
        readonly name: string;
        /** `http`: Streamable HTTP. `sse`: HTTP+SSE, the transport of 2024-11-05. */
        readonly transport?: "http" | "sse" | undefined;
        /** Address of the server, used as it stands; everybody who may read the registry sees it. Credentials in it are refused. */
        readonly url: string;
        /** How sidecars show themselves to the server. A secret is named, never given: each sidecar finds it in its own folder of upstream secrets, in a variable POSTERN_UPSTREAM_SECRET_<name>, or in Vault. */
        readonly auth?:
          | (
              | { readonly kind: "none" }
              | {
                  readonly kind: "header";
                  readonly header: string;
                  readonly prefix?: string | undefined;
                  readonly secret:
                    | { readonly from: "file"; readonly name: string }
                    | { readonly from: "env"; readonly name: string }
                    | { readonly from: "vault"; readonly path: string };
                }
              | {
                  readonly kind: "oauth";
                  readonly token_url: string;
                  readonly client_id: string;
                  readonly secret:
                    | { readonly from: "file"; readonly name: string }
                    | { readonly from: "env"; readonly name: string }
                    | { readonly from: "vault"; readonly path: string };
                  readonly scopes?: readonly string[] | undefined;
                  readonly resource?: string | undefined;
                }
            )
          | undefined;
        /** One that is not enabled is kept, and no sidecar hears of it. */
        readonly enabled?: boolean | undefined;
      };
    };
    reply: {
      name: string;
      tenant: string;
      transport: "http" | "sse";
      url: string;
      auth:
        | { kind: "none" }
        | {
            kind: "header";
            header: string;
            prefix: string;
            secret:
              | { from: "file"; name: string }
              | { from: "env"; name: string }
              | { from: "vault"; path: string };
          }
        | {
            kind: "oauth";
            token_url: string;
            client_id: string;
            secret:
              | { from: "file"; name: string }
              | { from: "env"; name: string }
              | { from: "vault"; path: string };
            scopes: string[];
            resource?: string;
          };
      enabled: boolean;
      created_at: string;
      created_by: string;
      updated_at: string;
      updated_by: string;
    };
  };

  /** List registered upstreams by name */
  upstream_list: {
    input: {
      query?: {
        /** Superadmin only: the tenant that this is about. A tenant's admin is always in its own. */
        readonly tenant?: string | undefined;
        /** At most this many items (1 to 1000; 100 when absent). */
        readonly limit?: number | undefined;
        /** Opaque text from `next_cursor` of the page before. */
        readonly cursor?: string | undefined;
      };
    };
    reply: {
      items: {
        name: string;
        tenant: string;
        transport: "http" | "sse";
        url: string;
        auth:
          | { kind: "none" }
          | {
              kind: "header";
              header: string;
              prefix: string;
              secret:
                | { from: "file"; name: string }
                | { from: "env"; name: string }
                | { from: "vault"; path: string };
            }
          | {
              kind: "oauth";
              token_url: string;
              client_id: string;
              secret:
                | { from: "file"; name: string }
                | { from: "env"; name: string }
                | { from: "vault"; path: string };
              scopes: string[];
              resource?: string;
            };
        enabled: boolean;
        created_at: string;
        created_by: string;
        updated_at: string;
        updated_by: string;
      }[];
      next_cursor?: string;
    };
  };

  /** Read a registered upstream */
  upstream_view: {
    input: {
      params: { readonly name: string };
      query?: {
        /** Superadmin only: the tenant that this is about. A tenant's admin is always in its own. */
        readonly tenant?: string | undefined;
      };
    };
    reply: {
      name: string;
      tenant: string;
      transport: "http" | "sse";
      url: string;
      auth:
        | { kind: "none" }
        | {
            kind: "header";
            header: string;
            prefix: string;
            secret:
              | { from: "file"; name: string }
              | { from: "env"; name: string }
              | { from: "vault"; path: string };
          }
        | {
            kind: "oauth";
            token_url: string;
            client_id: string;
            secret:
              | { from: "file"; name: string }
              | { from: "env"; name: string }
              | { from: "vault"; path: string };
            scopes: string[];
            resource?: string;
          };
      enabled: boolean;
      created_at: string;
      created_by: string;
      updated_at: string;
      updated_by: string;
    };
  };

  /** Change a registered upstream */
  upstream_replace: {
    input: {
      params: { readonly name: string };
      query?: {
        /** Superadmin only: the tenant that this is about. A tenant's admin is always in its own. */
        readonly tenant?: string | undefined;
      };
      body: {
        /** `http`: Streamable HTTP. `sse`: HTTP+SSE, the transport of 2024-11-05. */
        readonly transport?: "http" | "sse" | undefined;
        /** Address of the server, used as it stands; everybody who may read the registry sees it. Credentials in it are refused. */
        readonly url: string;
        /** How sidecars show themselves to the server. A secret is named, never given: each sidecar finds it in its own folder of upstream secrets, in a variable POSTERN_UPSTREAM_SECRET_<name>, or in Vault. */
        readonly auth?:
          | (
              | { readonly kind: "none" }
              | {
                  readonly kind: "header";
                  readonly header: string;
                  readonly prefix?: string | undefined;
                  readonly secret:
                    | { readonly from: "file"; readonly name: string }
                    | { readonly from: "env"; readonly name: string }
                    | { readonly from: "vault"; readonly path: string };
                }
              | {
                  readonly kind: "oauth";
                  readonly token_url: string;
                  readonly client_id: string;
                  readonly secret:
                    | { readonly from: "file"; readonly name: string }
                    | { readonly from: "env"; readonly name: string }
                    | { readonly from: "vault"; readonly path: string };
                  readonly scopes?: readonly string[] | undefined;
                  readonly resource?: string | undefined;
                }
            )
          | undefined;
        /** One that is not enabled is kept, and no sidecar hears of it. */
        readonly enabled?: boolean | undefined;
      };
    };
    reply: {
      name: string;
      tenant: string;
      transport: "http" | "sse";
      url: string;
      auth:
        | { kind: "none" }
        | {
            kind: "header";
            header: string;
            prefix: string;
            secret:
              | { from: "file"; name: string }
              | { from: "env"; name: string }
              | { from: "vault"; path: string };
          }
        | {
            kind: "oauth";
            token_url: string;
            client_id: string;
            secret:
              | { from: "file"; name: string }
              | { from: "env"; name: string }
              | { from: "vault"; path: string };
            scopes: string[];
            resource?: string;
          };
      enabled: boolean;
      created_at: string;
      created_by: string;
      updated_at: string;
      updated_by: string;
    };
  };

  /** Remove a registered upstream */
  upstream_delete: {
    input: {
      params: { readonly name: string };
      query?: {
        /** Superadmin only: the tenant that this is about. A tenant's admin is always in its own. */
        readonly tenant?: string | undefined;
      };
    };
    reply: undefined;
  };

  /** List calls that wait for a person, newest first */
  approval_list: {
    input: {
      query?: {
        /** Superadmin only: the tenant that this is about. A tenant's admin is always in its own. */
        readonly tenant?: string | undefined;
        /** Those that stand so instead of those that wait. */
        readonly status?: "pending" | "approved" | "used" | "rejected" | "expired" | undefined;
        /** At most this many items (1 to 1000; 100 when absent). */
        readonly limit?: number | undefined;
        /** Opaque text from `next_cursor` of the page before. */
        readonly cursor?: string | undefined;
      };
    };
    reply: {
      items: {
        id: string;
        tenant: string;
        agent_id: string;
        capability_token_id: string;
        tool: string;
        /** As they were parked; {} once they were erased. */
        arguments: Record<string, JsonValue>;
        /** "" where the policy names none. */
        escalating_rule: string;
        created_at: string;
        arguments_erased: boolean;
        root_capability_token_id: string;
        /** What a decision is about: this exact call under this exact policy. */
        digest: string;
        method: string;
        upstream: string;
        /** Why the policy asks for a person. */
        reason: string;
        intent_summary: string;
        requires_step_up: boolean;
        status: "pending" | "approved" | "used" | "rejected" | "expired";
        /** Pending: until when it can be decided. Approved: until when it can be used. */
        expires_at: string;
        approvals_given: number;
        /** Different people who must say yes. */
        approvals_required: number;
        decisions: {
          /** Who decided, by credential. */
          by: string;
          at: string;
          decision: "approve" | "reject";
          reason: string;
          /** Who the caller said decides. */
          claim: string;
        }[];
        /** Whose decision settled it; "" while nobody's has. */
        decided_by: string;
        decided_at?: string;
        decision_reason: string;
        used_at?: string;
        /** The event of the call that used it; "" while none has. */
        used_event_id: string;
        policy_revision: number;
        policy_sha256: string;
        sidecar_id: string;
        session_id: string;
        request_id: string;
        remote_ip: string;
      }[];
      next_cursor?: string;
    };
  };

  /** Read a parked call, and what was decided about it */
  approval_view: {
    input: {
      params: { readonly id: string };
      query?: {
        /** Superadmin only: the tenant that this is about. A tenant's admin is always in its own. */
        readonly tenant?: string | undefined;
      };
    };
    reply: {
      id: string;
      tenant: string;
      agent_id: string;
      capability_token_id: string;
      tool: string;
      /** As they were parked; {} once they were erased. */
      arguments: Record<string, JsonValue>;
      /** "" where the policy names none. */
      escalating_rule: string;
      created_at: string;
      arguments_erased: boolean;
      root_capability_token_id: string;
      /** What a decision is about: this exact call under this exact policy. */
      digest: string;
      method: string;
      upstream: string;
      /** Why the policy asks for a person. */
      reason: string;
      intent_summary: string;
      requires_step_up: boolean;
      status: "pending" | "approved" | "used" | "rejected" | "expired";
      /** Pending: until when it can be decided. Approved: until when it can be used. */
      expires_at: string;
      approvals_given: number;
      /** Different people who must say yes. */
      approvals_required: number;
      decisions: {
        /** Who decided, by credential. */
        by: string;
        at: string;
        decision: "approve" | "reject";
        reason: string;
        /** Who the caller said decides. */
        claim: string;
      }[];
      /** Whose decision settled it; "" while nobody's has. */
      decided_by: string;
      decided_at?: string;
      decision_reason: string;
      used_at?: string;
      /** The event of the call that used it; "" while none has. */
      used_event_id: string;
      policy_revision: number;
      policy_sha256: string;
      sidecar_id: string;
      session_id: string;
      request_id: string;
      remote_ip: string;
    };
  };

  /** Approve or reject a parked call */
  approval_decide: {
    input: {
      params: { readonly id: string };
      query?: {
        /** Superadmin only: the tenant that this is about. A tenant's admin is always in its own. */
        readonly tenant?: string | undefined;
      };
      body: {
        readonly decision: "approve" | "reject";
        readonly reason?: string | undefined;
        /** Another name for `reason`. */
        readonly note?: string | undefined;
        readonly decided_by?: string | undefined;
      };
    };
    reply: undefined;
  };

  /** Read the tenant's rules */
  settings_view: {
    input: {
      query?: {
        /** Superadmin only: the tenant that this is about. A tenant's admin is always in its own. */
        readonly tenant?: string | undefined;
      };
    };
    reply: {
      approvals: {
        /** Whoever issued the capability token of a parked call may not decide on it. */
        four_eyes: boolean;
        /** Different people who must say yes. */
        approvers_required: number;
        /** Role needed to decide: admin = an approver's role is not enough. */
        role: "approver" | "admin";
        /** How long a call waits for people. */
        pending_seconds: number;
        /** How long an approval may be used after it was given. */
        use_seconds: number;
      };
      policies: {
        /** Promoting and rolling back need a second person, who agrees to exactly the same source. */
        two_person: boolean;
      };
    };
  };

  /** Change some of the tenant's rules */
  settings_change: {
    input: {
      body: {
        /** The tenant that this is for. Default: the admin's own; for a superadmin "default". */
        readonly tenant?: string | undefined;
        readonly approvals?:
          | {
              readonly four_eyes?: boolean | undefined;
              readonly approvers_required?: number | undefined;
              readonly role?: "approver" | "admin" | undefined;
              readonly pending_seconds?: number | undefined;
              readonly use_seconds?: number | undefined;
            }
          | undefined;
        readonly policies?: { readonly two_person?: boolean | undefined } | undefined;
      };
    };
    reply: {
      approvals: {
        /** Whoever issued the capability token of a parked call may not decide on it. */
        four_eyes: boolean;
        /** Different people who must say yes. */
        approvers_required: number;
        /** Role needed to decide: admin = an approver's role is not enough. */
        role: "approver" | "admin";
        /** How long a call waits for people. */
        pending_seconds: number;
        /** How long an approval may be used after it was given. */
        use_seconds: number;
      };
      policies: {
        /** Promoting and rolling back need a second person, who agrees to exactly the same source. */
        two_person: boolean;
      };
    };
  };

  /** Read who one is, and what one may do */
  operator_me: {
    input: Record<string, never>;
    reply: {
      /** As acts are told under. */
      name: string;
      kind: "superadmin" | "tenant-admin" | "operator";
      /** Absent for the superadmin, who is of none. */
      tenant?: string;
      operator_id?: string;
      roles: ("viewer" | "operator" | "approver" | "policy_author" | "admin")[];
      /** Those of the rows of this interface that one may use. */
      permissions: string[];
      /** When the token or session ends. */
      expires_at?: string;
    };
  };

  /** Add an operator */
  operator_create: {
    input: {
      body: {
        /** The tenant that this is for. Default: the admin's own; for a superadmin "default". */
        readonly tenant?: string | undefined;
        /** Never changes, and is never given to another. */
        readonly name: string;
        readonly roles: readonly ("viewer" | "operator" | "approver" | "policy_author" | "admin")[];
        /** Who it is at the identity provider: `iss` and `sub`. */
        readonly identity?: { readonly issuer: string; readonly subject: string } | undefined;
      };
    };
    reply: {
      id: string;
      tenant: string;
      name: string;
      roles: ("viewer" | "operator" | "approver" | "policy_author" | "admin")[];
      /** provider: each login brings the roles that the identity provider's claims give. */
      roles_from: "here" | "provider";
      identity?: { issuer: string; subject: string };
      created_at: string;
      created_by: string;
      updated_at: string;
      updated_by: string;
    };
  };

  /** List operators by name */
  operator_list: {
    input: {
      query?: {
        /** Superadmin only: the tenant that this is about. A tenant's admin is always in its own. */
        readonly tenant?: string | undefined;
        /** At most this many items (1 to 1000; 100 when absent). */
        readonly limit?: number | undefined;
        /** Opaque text from `next_cursor` of the page before. */
        readonly cursor?: string | undefined;
      };
    };
    reply: {
      items: {
        id: string;
        tenant: string;
        name: string;
        roles: ("viewer" | "operator" | "approver" | "policy_author" | "admin")[];
        /** provider: each login brings the roles that the identity provider's claims give. */
        roles_from: "here" | "provider";
        identity?: { issuer: string; subject: string };
        created_at: string;
        created_by: string;
        updated_at: string;
        updated_by: string;
      }[];
      next_cursor?: string;
    };
  };

  /** Read an operator */
  operator_view: {
    input: {
      params: { readonly id: string };
      query?: {
        /** Superadmin only: the tenant that this is about. A tenant's admin is always in its own. */
        readonly tenant?: string | undefined;
      };
    };
    reply: {
      id: string;
      tenant: string;
      name: string;
      roles: ("viewer" | "operator" | "approver" | "policy_author" | "admin")[];
      /** provider: each login brings the roles that the identity provider's claims give. */
      roles_from: "here" | "provider";
      identity?: { issuer: string; subject: string };
      created_at: string;
      created_by: string;
      updated_at: string;
      updated_by: string;
    };
  };

  /** Change what an operator may do, or who it is at the identity provider */
  operator_change: {
    input: {
      params: { readonly id: string };
      query?: {
        /** Superadmin only: the tenant that this is about. A tenant's admin is always in its own. */
        readonly tenant?: string | undefined;
      };
      body: {
        readonly roles?:
          | readonly ("viewer" | "operator" | "approver" | "policy_author" | "admin")[]
          | undefined;
        /** Null takes it away. Sessions of another identity end. */
        readonly identity?: ({ readonly issuer: string; readonly subject: string } | null) | undefined;
      };
    };
    reply: {
      id: string;
      tenant: string;
      name: string;
      roles: ("viewer" | "operator" | "approver" | "policy_author" | "admin")[];
      /** provider: each login brings the roles that the identity provider's claims give. */
      roles_from: "here" | "provider";
      identity?: { issuer: string; subject: string };
      created_at: string;
      created_by: string;
      updated_at: string;
      updated_by: string;
    };
  };

  /** Remove an operator for good */
  operator_remove: {
    input: {
      params: { readonly id: string };
      query?: {
        /** Superadmin only: the tenant that this is about. A tenant's admin is always in its own. */
        readonly tenant?: string | undefined;
      };
    };
    reply: undefined;
  };

  /** Issue a token for an operator */
  operator_token_issue: {
    input: {
      params: { readonly id: string };
      query?: {
        /** Superadmin only: the tenant that this is about. A tenant's admin is always in its own. */
        readonly tenant?: string | undefined;
      };
      body: {
        /** What it is for. */
        readonly label?: string | undefined;
        /** Without it the token is valid until it is revoked. */
        readonly ttl_seconds?: number | undefined;
      };
    };
    reply: {
      id: string;
      /** session: begun by a login at the identity provider. */
      kind: "token" | "session";
      label: string;
      created_at: string;
      created_by: string;
      /** Absent: until it is revoked. */
      expires_at?: string;
      /** Shown now and never again. */
      token: string;
    };
  };

  /** List an operator's tokens and sessions, without their secrets */
  operator_token_list: {
    input: {
      params: { readonly id: string };
      query?: {
        /** Superadmin only: the tenant that this is about. A tenant's admin is always in its own. */
        readonly tenant?: string | undefined;
      };
    };
    reply: {
      id: string;
      /** session: begun by a login at the identity provider. */
      kind: "token" | "session";
      label: string;
      created_at: string;
      created_by: string;
      /** Absent: until it is revoked. */
      expires_at?: string;
    }[];
  };

  /** Revoke a token or end a session */
  operator_token_revoke: {
    input: {
      params: { readonly id: string; readonly token_id: string };
      query?: {
        /** Superadmin only: the tenant that this is about. A tenant's admin is always in its own. */
        readonly tenant?: string | undefined;
      };
    };
    reply: undefined;
  };

  /** Ask for one more role for a while */
  elevation_request: {
    input: {
      body: {
        readonly reason: string;
        readonly role: "operator" | "approver" | "policy_author" | "admin";
        /** From the decision on. */
        readonly ttl_seconds?: number | undefined;
        /** The tenant that this is for. Default: the admin's own; for a superadmin "default". */
        readonly tenant?: string | undefined;
      };
    };
    reply: {
      id: string;
      tenant: string;
      /** The identity that asked for it, as acts are told under. */
      requester: string;
      role: "operator" | "approver" | "policy_author" | "admin";
      reason: string;
      ttl_seconds: number;
      status: "pending" | "active" | "rejected" | "ended" | "expired";
      created_at: string;
      /** Until when it can be decided on, or used. */
      expires_at: string;
      decided_at?: string;
      decided_by?: string;
      decision_reason?: string;
      ended_at?: string;
      ended_by?: string;
    };
  };

  /** List elevations, the latest first */
  elevation_list: {
    input: {
      query?: {
        /** Superadmin only: the tenant that this is about. A tenant's admin is always in its own. */
        readonly tenant?: string | undefined;
        readonly status?: "pending" | "active" | "rejected" | "ended" | "expired" | undefined;
        /** At most this many items (1 to 1000; 100 when absent). */
        readonly limit?: number | undefined;
        /** Opaque text from `next_cursor` of the page before. */
        readonly cursor?: string | undefined;
      };
    };
    reply: {
      items: {
        id: string;
        tenant: string;
        /** The identity that asked for it, as acts are told under. */
        requester: string;
        role: "operator" | "approver" | "policy_author" | "admin";
        reason: string;
        ttl_seconds: number;
        status: "pending" | "active" | "rejected" | "ended" | "expired";
        created_at: string;
        /** Until when it can be decided on, or used. */
        expires_at: string;
        decided_at?: string;
        decided_by?: string;
        decision_reason?: string;
        ended_at?: string;
        ended_by?: string;
      }[];
      next_cursor?: string;
    };
  };

  /** Read an elevation */
  elevation_view: {
    input: {
      params: { readonly id: string };
      query?: {
        /** Superadmin only: the tenant that this is about. A tenant's admin is always in its own. */
        readonly tenant?: string | undefined;
      };
    };
    reply: {
      id: string;
      tenant: string;
      /** The identity that asked for it, as acts are told under. */
      requester: string;
      role: "operator" | "approver" | "policy_author" | "admin";
      reason: string;
      ttl_seconds: number;
      status: "pending" | "active" | "rejected" | "ended" | "expired";
      created_at: string;
      /** Until when it can be decided on, or used. */
      expires_at: string;
      decided_at?: string;
      decided_by?: string;
      decision_reason?: string;
      ended_at?: string;
      ended_by?: string;
    };
  };

  /** Approve or reject an elevation that somebody else asked for */
  elevation_decide: {
    input: {
      params: { readonly id: string };
      query?: {
        /** Superadmin only: the tenant that this is about. A tenant's admin is always in its own. */
        readonly tenant?: string | undefined;
      };
      body: { readonly decision: "approve" | "reject"; readonly reason?: string | undefined };
    };
    reply: {
      id: string;
      tenant: string;
      /** The identity that asked for it, as acts are told under. */
      requester: string;
      role: "operator" | "approver" | "policy_author" | "admin";
      reason: string;
      ttl_seconds: number;
      status: "pending" | "active" | "rejected" | "ended" | "expired";
      created_at: string;
      /** Until when it can be decided on, or used. */
      expires_at: string;
      decided_at?: string;
      decided_by?: string;
      decision_reason?: string;
      ended_at?: string;
      ended_by?: string;
    };
  };

  /** End an elevation before its time, or take a request back */
  elevation_end: {
    input: {
      params: { readonly id: string };
      query?: {
        /** Superadmin only: the tenant that this is about. A tenant's admin is always in its own. */
        readonly tenant?: string | undefined;
      };
    };
    reply: {
      id: string;
      tenant: string;
      /** The identity that asked for it, as acts are told under. */
      requester: string;
      role: "operator" | "approver" | "policy_author" | "admin";
      reason: string;
      ttl_seconds: number;
      status: "pending" | "active" | "rejected" | "ended" | "expired";
      created_at: string;
      /** Until when it can be decided on, or used. */
      expires_at: string;
      decided_at?: string;
      decided_by?: string;
      decision_reason?: string;
      ended_at?: string;
      ended_by?: string;
    };
  };

  /** Have an address told of what happens */
  webhook_create: {
    input: {
      body: {
        /** Where messages are sent by POST; https. Redirects are not followed. */
        readonly url: string;
        /** Types of the messages that it is sent. */
        readonly events: readonly (
          | "approval.pending"
          | "approval.decided"
          | "approval.expired"
          | "halt.engaged"
          | "halt.released"
          | "policy.promoted"
          | "rollout.stopped"
        )[];
        readonly description?: string | undefined;
        /** The tenant that this is for. Default: the admin's own; for a superadmin "default". */
        readonly tenant?: string | undefined;
      };
    };
    reply: {
      id: string;
      tenant: string;
      url: string;
      events: (
        | "approval.pending"
        | "approval.decided"
        | "approval.expired"
        | "halt.engaged"
        | "halt.released"
        | "policy.promoted"
        | "rollout.stopped"
      )[];
      description: string;
      enabled: boolean;
      /** Absent when it is enabled. */
      disabled_because?: string;
      /** Messages that were taken. */
      delivered: number;
      /** Messages that were given up. */
      dropped: number;
      last_delivered_at?: string;
      /** First failure since a message was taken last. */
      failing_since?: string;
      /** "" since a message was taken last. */
      last_error: string;
      /** Those that sign, the latest first, and until when; the secrets themselves are never shown again. */
      secrets: { until?: string }[];
      created_at: string;
      created_by: string;
      updated_at: string;
      updated_by: string;
      /** What messages are signed with, `whsec_…`. Shown once. */
      secret: string;
    };
  };

  /** List webhooks */
  webhook_list: {
    input: {
      query?: {
        /** Superadmin only: the tenant that this is about. A tenant's admin is always in its own. */
        readonly tenant?: string | undefined;
      };
    };
    reply: {
      id: string;
      tenant: string;
      url: string;
      events: (
        | "approval.pending"
        | "approval.decided"
        | "approval.expired"
        | "halt.engaged"
        | "halt.released"
        | "policy.promoted"
        | "rollout.stopped"
      )[];
      description: string;
      enabled: boolean;
      /** Absent when it is enabled. */
      disabled_because?: string;
      /** Messages that were taken. */
      delivered: number;
      /** Messages that were given up. */
      dropped: number;
      last_delivered_at?: string;
      /** First failure since a message was taken last. */
      failing_since?: string;
      /** "" since a message was taken last. */
      last_error: string;
      /** Those that sign, the latest first, and until when; the secrets themselves are never shown again. */
      secrets: { until?: string }[];
      created_at: string;
      created_by: string;
      updated_at: string;
      updated_by: string;
    }[];
  };

  /** Read a webhook */
  webhook_view: {
    input: { params: { readonly id: string } };
    reply: {
      id: string;
      tenant: string;
      url: string;
      events: (
        | "approval.pending"
        | "approval.decided"
        | "approval.expired"
        | "halt.engaged"
        | "halt.released"
        | "policy.promoted"
        | "rollout.stopped"
      )[];
      description: string;
      enabled: boolean;
      /** Absent when it is enabled. */
      disabled_because?: string;
      /** Messages that were taken. */
      delivered: number;
      /** Messages that were given up. */
      dropped: number;
      last_delivered_at?: string;
      /** First failure since a message was taken last. */
      failing_since?: string;
      /** "" since a message was taken last. */
      last_error: string;
      /** Those that sign, the latest first, and until when; the secrets themselves are never shown again. */
      secrets: { until?: string }[];
      created_at: string;
      created_by: string;
      updated_at: string;
      updated_by: string;
    };
  };

  /** Change some of a webhook, or turn it off and on */
  webhook_change: {
    input: {
      params: { readonly id: string };
      body: {
        readonly url?: string | undefined;
        /** Types of the messages that it is sent. */
        readonly events?:
          | readonly (
              | "approval.pending"
              | "approval.decided"
              | "approval.expired"
              | "halt.engaged"
              | "halt.released"
              | "policy.promoted"
              | "rollout.stopped"
            )[]
          | undefined;
        readonly description?: string | undefined;
        readonly enabled?: boolean | undefined;
      };
    };
    reply: {
      id: string;
      tenant: string;
      url: string;
      events: (
        | "approval.pending"
        | "approval.decided"
        | "approval.expired"
        | "halt.engaged"
        | "halt.released"
        | "policy.promoted"
        | "rollout.stopped"
      )[];
      description: string;
      enabled: boolean;
      /** Absent when it is enabled. */
      disabled_because?: string;
      /** Messages that were taken. */
      delivered: number;
      /** Messages that were given up. */
      dropped: number;
      last_delivered_at?: string;
      /** First failure since a message was taken last. */
      failing_since?: string;
      /** "" since a message was taken last. */
      last_error: string;
      /** Those that sign, the latest first, and until when; the secrets themselves are never shown again. */
      secrets: { until?: string }[];
      created_at: string;
      created_by: string;
      updated_at: string;
      updated_by: string;
    };
  };

  /** Forget a webhook and its deliveries */
  webhook_delete: { input: { params: { readonly id: string } }; reply: undefined };

  /** Give a webhook a new secret */
  webhook_secret_rotate: {
    input: { params: { readonly id: string } };
    reply: {
      id: string;
      tenant: string;
      url: string;
      events: (
        | "approval.pending"
        | "approval.decided"
        | "approval.expired"
        | "halt.engaged"
        | "halt.released"
        | "policy.promoted"
        | "rollout.stopped"
      )[];
      description: string;
      enabled: boolean;
      /** Absent when it is enabled. */
      disabled_because?: string;
      /** Messages that were taken. */
      delivered: number;
      /** Messages that were given up. */
      dropped: number;
      last_delivered_at?: string;
      /** First failure since a message was taken last. */
      failing_since?: string;
      /** "" since a message was taken last. */
      last_error: string;
      /** Those that sign, the latest first, and until when; the secrets themselves are never shown again. */
      secrets: { until?: string }[];
      created_at: string;
      created_by: string;
      updated_at: string;
      updated_by: string;
      /** What messages are signed with, `whsec_…`. Shown once. */
      secret: string;
    };
  };

  /** Send a message of type `webhook.test` now */
  webhook_test: {
    input: { params: { readonly id: string } };
    reply: {
      /** Whether the receiver answered 2xx. */
      delivered: boolean;
      /** Absent when there was no answer. */
      response_status?: number;
      /** "" when it was delivered. */
      error: string;
      /** The message's `webhook-id`. */
      delivery_id: string;
    };
  };

  /** List what was sent to a webhook, or waits to be, the latest first */
  webhook_delivery_list: {
    input: {
      params: { readonly id: string };
      query?: {
        readonly status?: "pending" | "delivered" | "failed" | undefined;
        /** At most this many items (1 to 1000; 100 when absent). */
        readonly limit?: number | undefined;
        /** Opaque text from `next_cursor` of the page before. */
        readonly cursor?: string | undefined;
      };
    };
    reply: {
      items: {
        /** The message's `webhook-id`: the same however often it is sent. */
        id: string;
        type:
          | "approval.pending"
          | "approval.decided"
          | "approval.expired"
          | "halt.engaged"
          | "halt.released"
          | "policy.promoted"
          | "rollout.stopped"
          | "webhook.test";
        /** failed = given up. */
        status: "pending" | "delivered" | "failed";
        /** Since it was put in line last. */
        attempts: number;
        created_at: string;
        /** While it is pending and not being tried. */
        next_attempt_at?: string;
        finished_at?: string;
        /** Of the latest attempt. Absent when there was no answer. */
        response_status?: number;
        last_error: string;
      }[];
      next_cursor?: string;
    };
  };

  /** Send a message again, as if it were new */
  webhook_delivery_retry: {
    input: { params: { readonly id: string; readonly delivery: string } };
    reply: {
      /** The message's `webhook-id`: the same however often it is sent. */
      id: string;
      type:
        | "approval.pending"
        | "approval.decided"
        | "approval.expired"
        | "halt.engaged"
        | "halt.released"
        | "policy.promoted"
        | "rollout.stopped"
        | "webhook.test";
      /** failed = given up. */
      status: "pending" | "delivered" | "failed";
      /** Since it was put in line last. */
      attempts: number;
      created_at: string;
      /** While it is pending and not being tried. */
      next_attempt_at?: string;
      finished_at?: string;
      /** Of the latest attempt. Absent when there was no answer. */
      response_status?: number;
      last_error: string;
    };
  };

  /** See where events are sent, and whether they arrive */
  integration_list: {
    input: {
      query?: {
        /** Superadmin only: the tenant that this is about. A tenant's admin is always in its own. */
        readonly tenant?: string | undefined;
      };
    };
    reply: {
      /** `webhook:` and the webhook's description, or its id where it has none; else the kind of system. */
      name: string;
      configured: boolean;
      /** Without query and credentials; "" when nothing is configured. */
      endpoint: string;
      /** Absent when nothing was taken yet. */
      last_flush_ts?: string;
      /** Events that were taken. */
      events_flushed: number;
      /** Events that were given up. */
      events_dropped: number;
      /** "" when there is none since something was taken last. */
      last_error: string;
    }[];
  };
}

export const ADMIN_OPERATIONS = {
  capability_mint: {
    method: "POST",
    path: "/v1/admin/mint",
    answer: "object",
    fields: ["token", "jti", "subject", "tenant"],
  },
  capability_step_up: {
    method: "POST",
    path: "/v1/admin/step-up",
    answer: "object",
    fields: ["token", "jti", "subject", "tenant"],
  },
  capability_revoke: { method: "POST", path: "/v1/admin/revoke", answer: "nothing", fields: [] },
  revocation_list: { method: "GET", path: "/v1/admin/revocations", answer: "object", fields: ["items"] },
  halt_engage: {
    method: "POST",
    path: "/v1/admin/kill-switch",
    answer: "object",
    fields: ["id", "scope", "value", "reason", "state", "engaged_at", "engaged_by"],
  },
  halt_list: { method: "GET", path: "/v1/admin/kill-switch", answer: "object", fields: ["items"] },
  halt_release: { method: "POST", path: "/v1/admin/kill-switch/{id}/release", answer: "nothing", fields: [] },
  halt_release_target: {
    method: "POST",
    path: "/v1/admin/kill-switch/release",
    answer: "nothing",
    fields: [],
  },
  policy_draft_list: {
    method: "GET",
    path: "/v1/admin/policies/drafts",
    answer: "list",
    fields: [
      "id",
      "name",
      "description",
      "tenant",
      "created_by",
      "created_at",
      "rego_sha256",
      "updated_at",
      "promoted",
    ],
  },
  policy_draft_create: {
    method: "POST",
    path: "/v1/admin/policies/drafts",
    answer: "object",
    fields: [
      "id",
      "name",
      "description",
      "tenant",
      "created_by",
      "created_at",
      "rego_sha256",
      "updated_at",
      "promoted",
      "rego_source",
    ],
  },
  policy_draft_view: {
    method: "GET",
    path: "/v1/admin/policies/drafts/{id}",
    answer: "object",
    fields: [
      "id",
      "name",
      "description",
      "tenant",
      "created_by",
      "created_at",
      "rego_sha256",
      "updated_at",
      "promoted",
      "rego_source",
    ],
  },
  policy_draft_update: {
    method: "PUT",
    path: "/v1/admin/policies/drafts/{id}",
    answer: "object",
    fields: [
      "id",
      "name",
      "description",
      "tenant",
      "created_by",
      "created_at",
      "rego_sha256",
      "updated_at",
      "promoted",
      "rego_source",
    ],
  },
  policy_draft_delete: {
    method: "DELETE",
    path: "/v1/admin/policies/drafts/{id}",
    answer: "nothing",
    fields: [],
  },
  policy_active_view: {
    method: "GET",
    path: "/v1/admin/policies/active",
    answer: "object",
    fields: [
      "draft_id",
      "name",
      "promoted_by",
      "promoted_at",
      "rego_sha256",
      "tenant",
      "revision",
      "digest",
      "expires_at",
    ],
  },
  policy_promote: {
    method: "POST",
    path: "/v1/admin/policies/active",
    answer: "object",
    fields: ["draft_id", "name", "rego_sha256", "tenant"],
  },
  policy_clear: { method: "DELETE", path: "/v1/admin/policies/active", answer: "nothing", fields: [] },
  policy_rollback: {
    method: "POST",
    path: "/v1/admin/policies/rollback",
    answer: "object",
    fields: ["draft_id", "name", "rego_sha256", "tenant"],
  },
  policy_history: { method: "GET", path: "/v1/admin/policies/history", answer: "object", fields: ["items"] },
  policy_proposal_list: {
    method: "GET",
    path: "/v1/admin/policies/proposals",
    answer: "object",
    fields: ["items"],
  },
  policy_proposal_view: {
    method: "GET",
    path: "/v1/admin/policies/proposals/{id}",
    answer: "object",
    fields: [
      "proposal_id",
      "tenant",
      "kind",
      "status",
      "draft_id",
      "name",
      "rego_sha256",
      "proposed_by",
      "claimed_by",
      "proposed_at",
      "expires_at",
    ],
  },
  policy_proposal_decide: {
    method: "POST",
    path: "/v1/admin/policies/proposals/{id}/decide",
    answer: "object",
    fields: ["draft_id", "name", "rego_sha256", "tenant"],
  },
  policy_rollout_start: {
    method: "POST",
    path: "/v1/admin/policies/rollouts",
    answer: "object",
    fields: ["draft_id", "name", "rego_sha256", "tenant"],
  },
  policy_rollout_list: {
    method: "GET",
    path: "/v1/admin/policies/rollouts",
    answer: "object",
    fields: ["items"],
  },
  policy_rollout_view: {
    method: "GET",
    path: "/v1/admin/policies/rollouts/{id}",
    answer: "object",
    fields: [
      "id",
      "tenant",
      "draft_id",
      "name",
      "rego_sha256",
      "mode",
      "percent",
      "labels",
      "stop_when",
      "status",
      "revision",
      "digest",
      "started_at",
      "started_by",
      "changed_at",
      "figures",
      "samples",
    ],
  },
  policy_rollout_change: {
    method: "PATCH",
    path: "/v1/admin/policies/rollouts/{id}",
    answer: "object",
    fields: [
      "id",
      "tenant",
      "draft_id",
      "name",
      "rego_sha256",
      "mode",
      "percent",
      "labels",
      "stop_when",
      "status",
      "revision",
      "digest",
      "started_at",
      "started_by",
      "changed_at",
    ],
  },
  policy_rollout_complete: {
    method: "POST",
    path: "/v1/admin/policies/rollouts/{id}/complete",
    answer: "object",
    fields: ["draft_id", "name", "rego_sha256", "tenant"],
  },
  policy_rollout_stop: {
    method: "POST",
    path: "/v1/admin/policies/rollouts/{id}/stop",
    answer: "object",
    fields: [
      "id",
      "tenant",
      "draft_id",
      "name",
      "rego_sha256",
      "mode",
      "percent",
      "labels",
      "stop_when",
      "status",
      "revision",
      "digest",
      "started_at",
      "started_by",
      "changed_at",
    ],
  },
  policy_dry_run: {
    method: "POST",
    path: "/v1/admin/policies/dry-run",
    answer: "object",
    fields: ["decisions", "summary", "safety", "partial", "rego_sha256"],
  },
  audit_query: { method: "GET", path: "/v1/admin/audit", answer: "object", fields: ["items"] },
  audit_verify: {
    method: "GET",
    path: "/v1/admin/audit/verify",
    answer: "object",
    fields: ["tenant", "verified", "events_checked", "chain_head_id", "duration_ms", "first_broken_event_id"],
  },
  audit_checkpoint: { method: "GET", path: "/v1/admin/audit/checkpoint", answer: "text", fields: [] },
  audit_export: { method: "GET", path: "/v1/admin/audit/export", answer: "text", fields: [] },
  tenant_list: {
    method: "GET",
    path: "/v1/admin/tenants",
    answer: "list",
    fields: ["name", "active_policy_sha", "pending_approvals", "recent_event_count"],
  },
  tenant_create: {
    method: "POST",
    path: "/v1/admin/tenants",
    answer: "object",
    fields: ["name", "active_policy_sha", "pending_approvals", "recent_event_count"],
  },
  sidecar_create: {
    method: "POST",
    path: "/v1/admin/sidecars",
    answer: "object",
    fields: ["sidecar_id", "tenant", "name", "credential", "trust_root"],
  },
  sidecar_list: { method: "GET", path: "/v1/admin/sidecars", answer: "object", fields: ["items"] },
  sidecar_delete: { method: "DELETE", path: "/v1/admin/sidecars/{id}", answer: "nothing", fields: [] },
  key_list: {
    method: "GET",
    path: "/v1/admin/keys",
    answer: "list",
    fields: ["kid", "public_key", "use", "status", "tenant", "created_at"],
  },
  key_prepare: {
    method: "POST",
    path: "/v1/admin/keys",
    answer: "object",
    fields: ["kid", "public_key", "use", "status", "tenant", "created_at"],
  },
  key_publish: {
    method: "POST",
    path: "/v1/admin/keys/{kid}/publish",
    answer: "object",
    fields: ["kid", "public_key", "use", "status", "tenant", "created_at"],
  },
  key_activate: {
    method: "POST",
    path: "/v1/admin/keys/{kid}/activate",
    answer: "object",
    fields: ["kid", "public_key", "use", "status", "tenant", "created_at"],
  },
  key_retire: {
    method: "POST",
    path: "/v1/admin/keys/{kid}/retire",
    answer: "object",
    fields: ["kid", "public_key", "use", "status", "tenant", "created_at"],
  },
  issuer_create: {
    method: "POST",
    path: "/v1/admin/issuers",
    answer: "object",
    fields: [
      "audiences",
      "algorithms",
      "scopes",
      "rules",
      "id",
      "tenant",
      "issuer",
      "created_at",
      "created_by",
      "updated_at",
      "updated_by",
    ],
  },
  issuer_list: {
    method: "GET",
    path: "/v1/admin/issuers",
    answer: "list",
    fields: [
      "audiences",
      "algorithms",
      "scopes",
      "rules",
      "id",
      "tenant",
      "issuer",
      "created_at",
      "created_by",
      "updated_at",
      "updated_by",
    ],
  },
  issuer_view: {
    method: "GET",
    path: "/v1/admin/issuers/{id}",
    answer: "object",
    fields: [
      "audiences",
      "algorithms",
      "scopes",
      "rules",
      "id",
      "tenant",
      "issuer",
      "created_at",
      "created_by",
      "updated_at",
      "updated_by",
    ],
  },
  issuer_replace: {
    method: "PUT",
    path: "/v1/admin/issuers/{id}",
    answer: "object",
    fields: [
      "audiences",
      "algorithms",
      "scopes",
      "rules",
      "id",
      "tenant",
      "issuer",
      "created_at",
      "created_by",
      "updated_at",
      "updated_by",
    ],
  },
  issuer_delete: { method: "DELETE", path: "/v1/admin/issuers/{id}", answer: "nothing", fields: [] },
  issuer_explain: {
    method: "POST",
    path: "/v1/admin/issuers/{id}/explain",
    answer: "object",
    fields: ["accepted"],
  },
  tool_list: { method: "GET", path: "/v1/admin/tools", answer: "object", fields: ["items"] },
  tool_mode_view: {
    method: "GET",
    path: "/v1/admin/tools/mode",
    answer: "object",
    fields: ["tenant", "mode"],
  },
  tool_mode_set: {
    method: "PUT",
    path: "/v1/admin/tools/mode",
    answer: "object",
    fields: ["tenant", "mode"],
  },
  tool_view: {
    method: "GET",
    path: "/v1/admin/tools/{id}",
    answer: "object",
    fields: [
      "id",
      "tenant",
      "upstream",
      "name",
      "status",
      "approved_digests",
      "flags",
      "approved_by_person",
      "first_seen_at",
      "last_seen_at",
      "seen_by",
      "decided_by",
      "decision_reason",
    ],
  },
  tool_approve: {
    method: "POST",
    path: "/v1/admin/tools/{id}/approve",
    answer: "object",
    fields: [
      "id",
      "tenant",
      "upstream",
      "name",
      "status",
      "approved_digests",
      "flags",
      "approved_by_person",
      "first_seen_at",
      "last_seen_at",
      "seen_by",
      "decided_by",
      "decision_reason",
    ],
  },
  tool_quarantine: {
    method: "POST",
    path: "/v1/admin/tools/{id}/quarantine",
    answer: "object",
    fields: [
      "id",
      "tenant",
      "upstream",
      "name",
      "status",
      "approved_digests",
      "flags",
      "approved_by_person",
      "first_seen_at",
      "last_seen_at",
      "seen_by",
      "decided_by",
      "decision_reason",
    ],
  },
  upstream_create: {
    method: "POST",
    path: "/v1/admin/upstreams",
    answer: "object",
    fields: [
      "name",
      "tenant",
      "transport",
      "url",
      "auth",
      "enabled",
      "created_at",
      "created_by",
      "updated_at",
      "updated_by",
    ],
  },
  upstream_list: { method: "GET", path: "/v1/admin/upstreams", answer: "object", fields: ["items"] },
  upstream_view: {
    method: "GET",
    path: "/v1/admin/upstreams/{name}",
    answer: "object",
    fields: [
      "name",
      "tenant",
      "transport",
      "url",
      "auth",
      "enabled",
      "created_at",
      "created_by",
      "updated_at",
      "updated_by",
    ],
  },
  upstream_replace: {
    method: "PUT",
    path: "/v1/admin/upstreams/{name}",
    answer: "object",
    fields: [
      "name",
      "tenant",
      "transport",
      "url",
      "auth",
      "enabled",
      "created_at",
      "created_by",
      "updated_at",
      "updated_by",
    ],
  },
  upstream_delete: { method: "DELETE", path: "/v1/admin/upstreams/{name}", answer: "nothing", fields: [] },
  approval_list: { method: "GET", path: "/v1/admin/approvals", answer: "object", fields: ["items"] },
  approval_view: {
    method: "GET",
    path: "/v1/admin/approvals/{id}",
    answer: "object",
    fields: [
      "id",
      "tenant",
      "agent_id",
      "capability_token_id",
      "tool",
      "arguments",
      "escalating_rule",
      "created_at",
      "arguments_erased",
      "root_capability_token_id",
      "digest",
      "method",
      "upstream",
      "reason",
      "intent_summary",
      "requires_step_up",
      "status",
      "expires_at",
      "approvals_given",
      "approvals_required",
      "decisions",
      "decided_by",
      "decision_reason",
      "used_event_id",
      "policy_revision",
      "policy_sha256",
      "sidecar_id",
      "session_id",
      "request_id",
      "remote_ip",
    ],
  },
  approval_decide: { method: "POST", path: "/v1/admin/approvals/{id}/decide", answer: "nothing", fields: [] },
  settings_view: {
    method: "GET",
    path: "/v1/admin/settings",
    answer: "object",
    fields: ["approvals", "policies"],
  },
  settings_change: {
    method: "PATCH",
    path: "/v1/admin/settings",
    answer: "object",
    fields: ["approvals", "policies"],
  },
  operator_me: {
    method: "GET",
    path: "/v1/admin/me",
    answer: "object",
    fields: ["name", "kind", "roles", "permissions"],
  },
  operator_create: {
    method: "POST",
    path: "/v1/admin/operators",
    answer: "object",
    fields: [
      "id",
      "tenant",
      "name",
      "roles",
      "roles_from",
      "created_at",
      "created_by",
      "updated_at",
      "updated_by",
    ],
  },
  operator_list: { method: "GET", path: "/v1/admin/operators", answer: "object", fields: ["items"] },
  operator_view: {
    method: "GET",
    path: "/v1/admin/operators/{id}",
    answer: "object",
    fields: [
      "id",
      "tenant",
      "name",
      "roles",
      "roles_from",
      "created_at",
      "created_by",
      "updated_at",
      "updated_by",
    ],
  },
  operator_change: {
    method: "PATCH",
    path: "/v1/admin/operators/{id}",
    answer: "object",
    fields: [
      "id",
      "tenant",
      "name",
      "roles",
      "roles_from",
      "created_at",
      "created_by",
      "updated_at",
      "updated_by",
    ],
  },
  operator_remove: { method: "DELETE", path: "/v1/admin/operators/{id}", answer: "nothing", fields: [] },
  operator_token_issue: {
    method: "POST",
    path: "/v1/admin/operators/{id}/tokens",
    answer: "object",
    fields: ["id", "kind", "label", "created_at", "created_by", "token"],
  },
  operator_token_list: {
    method: "GET",
    path: "/v1/admin/operators/{id}/tokens",
    answer: "list",
    fields: ["id", "kind", "label", "created_at", "created_by"],
  },
  operator_token_revoke: {
    method: "DELETE",
    path: "/v1/admin/operators/{id}/tokens/{token_id}",
    answer: "nothing",
    fields: [],
  },
  elevation_request: {
    method: "POST",
    path: "/v1/admin/elevations",
    answer: "object",
    fields: [
      "id",
      "tenant",
      "requester",
      "role",
      "reason",
      "ttl_seconds",
      "status",
      "created_at",
      "expires_at",
    ],
  },
  elevation_list: { method: "GET", path: "/v1/admin/elevations", answer: "object", fields: ["items"] },
  elevation_view: {
    method: "GET",
    path: "/v1/admin/elevations/{id}",
    answer: "object",
    fields: [
      "id",
      "tenant",
      "requester",
      "role",
      "reason",
      "ttl_seconds",
      "status",
      "created_at",
      "expires_at",
    ],
  },
  elevation_decide: {
    method: "POST",
    path: "/v1/admin/elevations/{id}/decide",
    answer: "object",
    fields: [
      "id",
      "tenant",
      "requester",
      "role",
      "reason",
      "ttl_seconds",
      "status",
      "created_at",
      "expires_at",
    ],
  },
  elevation_end: {
    method: "POST",
    path: "/v1/admin/elevations/{id}/end",
    answer: "object",
    fields: [
      "id",
      "tenant",
      "requester",
      "role",
      "reason",
      "ttl_seconds",
      "status",
      "created_at",
      "expires_at",
    ],
  },
  webhook_create: {
    method: "POST",
    path: "/v1/admin/webhooks",
    answer: "object",
    fields: [
      "id",
      "tenant",
      "url",
      "events",
      "description",
      "enabled",
      "delivered",
      "dropped",
      "last_error",
      "secrets",
      "created_at",
      "created_by",
      "updated_at",
      "updated_by",
      "secret",
    ],
  },
  webhook_list: {
    method: "GET",
    path: "/v1/admin/webhooks",
    answer: "list",
    fields: [
      "id",
      "tenant",
      "url",
      "events",
      "description",
      "enabled",
      "delivered",
      "dropped",
      "last_error",
      "secrets",
      "created_at",
      "created_by",
      "updated_at",
      "updated_by",
    ],
  },
  webhook_view: {
    method: "GET",
    path: "/v1/admin/webhooks/{id}",
    answer: "object",
    fields: [
      "id",
      "tenant",
      "url",
      "events",
      "description",
      "enabled",
      "delivered",
      "dropped",
      "last_error",
      "secrets",
      "created_at",
      "created_by",
      "updated_at",
      "updated_by",
    ],
  },
  webhook_change: {
    method: "PATCH",
    path: "/v1/admin/webhooks/{id}",
    answer: "object",
    fields: [
      "id",
      "tenant",
      "url",
      "events",
      "description",
      "enabled",
      "delivered",
      "dropped",
      "last_error",
      "secrets",
      "created_at",
      "created_by",
      "updated_at",
      "updated_by",
    ],
  },
  webhook_delete: { method: "DELETE", path: "/v1/admin/webhooks/{id}", answer: "nothing", fields: [] },
  webhook_secret_rotate: {
    method: "POST",
    path: "/v1/admin/webhooks/{id}/secret",
    answer: "object",
    fields: [
      "id",
      "tenant",
      "url",
      "events",
      "description",
      "enabled",
      "delivered",
      "dropped",
      "last_error",
      "secrets",
      "created_at",
      "created_by",
      "updated_at",
      "updated_by",
      "secret",
    ],
  },
  webhook_test: {
    method: "POST",
    path: "/v1/admin/webhooks/{id}/test",
    answer: "object",
    fields: ["delivered", "error", "delivery_id"],
  },
  webhook_delivery_list: {
    method: "GET",
    path: "/v1/admin/webhooks/{id}/deliveries",
    answer: "object",
    fields: ["items"],
  },
  webhook_delivery_retry: {
    method: "POST",
    path: "/v1/admin/webhooks/{id}/deliveries/{delivery}/retry",
    answer: "object",
    fields: ["id", "type", "status", "attempts", "created_at", "last_error"],
  },
  integration_list: {
    method: "GET",
    path: "/v1/admin/integrations",
    answer: "list",
    fields: ["name", "configured", "endpoint", "events_flushed", "events_dropped", "last_error"],
  },
} as const;
