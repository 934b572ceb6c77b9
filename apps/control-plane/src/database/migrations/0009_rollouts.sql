-- `allocated`: the highest revision that a candidate was given, so that no later policy has a lower one.
-- `changes`: how often something other than the active policy changed in what sidecars are told.
alter table policy_revisions add column allocated bigint not null default 0;

alter table policy_revisions add column changes bigint not null default 0;

-- A change of what is in force that waits for a second person. Whether it has run out, or its draft has changed, is told when it is read.
create table policy_proposals (
  tenant text not null references tenants,
  id text not null,
  kind text not null check (kind in ('promote', 'rollback', 'stage', 'complete')),
  request jsonb not null,
  draft_id text,
  name text not null,
  rego_sha256 text not null,
  status text not null check (status in ('open', 'approved', 'rejected')),
  proposed_by text not null,
  proposed_by_claim text not null,
  proposed_at timestamptz(3) not null,
  expires_at timestamptz(3) not null,
  decided_by text not null,
  decided_at timestamptz(3),
  decision_reason text not null,
  primary key (tenant, id)
);

create index policy_proposals_by_time on policy_proposals (tenant, proposed_at, id);

-- A candidate beside what is in force; `compiled` and `wasm` are what is signed anew when it must be, and what is promoted in the end.
create table policy_rollouts (
  tenant text not null references tenants,
  id text not null,
  draft_id text not null,
  name text not null,
  rego_sha256 text not null,
  mode text not null check (mode in ('staged', 'shadow')),
  percent int not null,
  labels jsonb not null,
  stop_when jsonb not null,
  status text not null check (status in ('running', 'completed', 'stopped')),
  revision bigint not null,
  digest text not null,
  kid text not null,
  expires_at timestamptz(3) not null,
  started_at timestamptz(3) not null,
  started_by text not null,
  changed_at timestamptz(3) not null,
  ended_at timestamptz(3),
  ended_by text not null,
  end_reason text not null,
  compiled jsonb not null,
  wasm bytea not null,
  primary key (tenant, id)
);

create unique index policy_rollouts_one_running on policy_rollouts (tenant) where status = 'running';

create index policy_rollouts_by_time on policy_rollouts (tenant, started_at, id);

-- What each boot of a sidecar has counted so far. Counts only rise, so a report that comes late or twice changes nothing.
create table policy_rollout_reports (
  tenant text not null,
  rollout_id text not null,
  sidecar_id text not null,
  epoch bigint not null,
  takes_part boolean not null,
  loaded boolean not null,
  active_allowed bigint not null,
  active_blocked bigint not null,
  active_escalated bigint not null,
  candidate_allowed bigint not null,
  candidate_blocked bigint not null,
  candidate_escalated bigint not null,
  compared bigint not null,
  skipped bigint not null,
  allow_to_block bigint not null,
  allow_to_escalate bigint not null,
  block_to_allow bigint not null,
  block_to_escalate bigint not null,
  escalate_to_allow bigint not null,
  escalate_to_block bigint not null,
  load_failures bigint not null,
  problem text not null,
  samples jsonb not null,
  reported_at timestamptz(3) not null,
  primary key (tenant, rollout_id, sidecar_id, epoch),
  foreign key (tenant, rollout_id) references policy_rollouts
);
