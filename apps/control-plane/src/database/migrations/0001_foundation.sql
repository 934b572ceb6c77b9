-- Every key starts with the tenant: rows of one tenant can be found, moved or erased without reading another's.

create table tenants (
  tenant text primary key,
  created_at timestamptz(3) not null,
  created_by text not null
);

create table keys (
  tenant text not null references tenants,
  kid text not null,
  key_use text not null,
  status text not null check (status in ('prepared', 'published', 'active', 'retired')),
  public_key text not null,
  wrapped_secret text not null,
  created_at timestamptz(3) not null,
  published_at timestamptz(3),
  activated_at timestamptz(3),
  not_after timestamptz(3),
  primary key (tenant, kid)
);

-- Two transactions that make the first keys of a tenant at once meet here: the second one waits and then uses the first one's.
create unique index keys_one_active on keys (tenant, key_use) where status = 'active';

create table key_versions (
  tenant text primary key references tenants,
  version bigint not null
);

create table capabilities (
  tenant text not null references tenants,
  jti text not null,
  subject text not null,
  issuer text not null,
  kid text not null,
  issued_at timestamptz(3) not null,
  expires_at timestamptz(3),
  caveats jsonb not null,
  attenuable boolean not null,
  issued_by text not null,
  primary key (tenant, jti)
);

-- A superadmin revokes by id alone.
create index capabilities_by_jti on capabilities (jti);

create table revocations (
  tenant text not null references tenants,
  jti text not null,
  version bigint not null,
  revoked_at timestamptz(3) not null,
  reason text not null,
  revoked_by text not null,
  primary key (tenant, jti)
);

create unique index revocations_by_version on revocations (tenant, version);

create index revocations_by_time on revocations (revoked_at, tenant, jti);

create table revocation_versions (
  tenant text primary key references tenants,
  version bigint not null
);

create table policy_drafts (
  tenant text not null references tenants,
  id text not null,
  name text not null,
  description text not null,
  rego_source text not null,
  rego_sha256 text not null,
  created_by text not null,
  created_by_claim text not null,
  created_at timestamptz(3) not null,
  updated_at timestamptz(3) not null,
  promoted_at timestamptz(3),
  primary key (tenant, id)
);

create index policy_drafts_by_id on policy_drafts (id);

create table policy_revisions (
  tenant text primary key references tenants,
  revision bigint not null
);

-- One row per change of the active policy; the row with the highest revision is in force.
create table policy_activations (
  tenant text not null references tenants,
  revision bigint not null,
  kind text not null check (kind in ('promote', 'rollback', 'renew', 'clear')),
  content_revision bigint,
  previous_content bigint,
  draft_id text,
  name text not null,
  rego_sha256 text not null,
  digest text,
  kid text,
  expires_at timestamptz(3),
  activated_at timestamptz(3) not null,
  activated_by text not null,
  activated_by_claim text not null,
  primary key (tenant, revision)
);

create table policy_contents (
  tenant text not null references tenants,
  revision bigint not null,
  compiled jsonb not null,
  wasm bytea not null,
  primary key (tenant, revision)
);

create table policy_bundles (
  tenant text not null references tenants,
  digest text not null,
  revision bigint not null,
  bytes bytea not null,
  primary key (tenant, digest)
);

create table sidecars (
  tenant text not null references tenants,
  id text not null,
  name text not null,
  credential_sha256 text not null,
  created_at timestamptz(3) not null,
  created_by text not null,
  epoch bigint not null,
  removed_at timestamptz(3),
  primary key (tenant, id)
);

create table sidecar_epochs (
  tenant text not null,
  sidecar_id text not null,
  epoch bigint not null,
  version text not null,
  hostname text not null,
  registered_at timestamptz(3) not null,
  primary key (tenant, sidecar_id, epoch),
  foreign key (tenant, sidecar_id) references sidecars
);

-- Where a tenant's chain stands. Appending locks this row, so that a chain has one writer at a time.
create table audit_chains (
  tenant text primary key references tenants,
  size bigint not null,
  head_hash text not null,
  head_event_id text not null,
  head_at timestamptz(3),
  tree text not null
);

create table audit_events (
  tenant text not null,
  idx bigint not null,
  seq bigint generated always as identity,
  event_id text not null,
  ts timestamptz(3) not null,
  decision text not null,
  tool text not null,
  agent_id text not null,
  event text not null,
  prev_hash text not null,
  hash text not null,
  args_salt text,
  primary key (tenant, idx)
);

create unique index audit_events_once on audit_events (tenant, event_id);

create index audit_events_by_seq on audit_events (seq);

create index audit_events_by_time on audit_events (tenant, ts);

create table audit_checkpoints (
  tenant text not null,
  size bigint not null,
  root_hash text not null,
  kid text not null,
  note text not null,
  signed_at timestamptz(3) not null,
  primary key (tenant, size)
);

-- What has been taken in of each boot of a sidecar.
create table audit_streams (
  tenant text not null,
  sidecar_id text not null,
  epoch bigint not null,
  received bigint not null,
  received_hash text not null,
  covered bigint not null,
  primary key (tenant, sidecar_id, epoch)
);

-- The hashes of the records that came together, 64 digits each, so that a record sent again can be told from another one in its place.
create table audit_batches (
  tenant text not null,
  sidecar_id text not null,
  epoch bigint not null,
  last_sequence bigint not null,
  first_sequence bigint not null,
  hashes text not null,
  primary key (tenant, sidecar_id, epoch, last_sequence)
);

-- Calls of which only one half is known yet: mostly intents that wait for their outcome.
create table audit_open_calls (
  tenant text not null,
  sidecar_id text not null,
  event_id text not null,
  half text not null check (half in ('intent', 'outcome')),
  epoch bigint not null,
  sequence bigint not null,
  body text not null,
  primary key (tenant, sidecar_id, event_id)
);

create index audit_open_calls_by_sequence on audit_open_calls (tenant, sidecar_id, epoch, sequence);
