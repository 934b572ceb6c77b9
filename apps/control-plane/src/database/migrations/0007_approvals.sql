-- Calls that wait for people, and what became of them.

-- How far the tenant's decisions have come. Every change of an approval locks this row, so that versions have no holes, and of two who decide,
-- expire or take the same call one comes first.
create table approval_registers (
  tenant text primary key references tenants,
  version bigint not null
);

create table approvals (
  tenant text not null references tenants,
  id text not null,
  digest text not null,
  agent text not null,
  token_id text not null,
  root_token_id text not null,
  method text not null,
  tool text not null,
  upstream text not null,
  -- Canonical JSON, as the digest is over it; null once it was erased.
  arguments text,
  arguments_bytes integer not null,
  intent_summary text not null,
  reason text not null,
  escalating_rule text not null,
  requires_step_up boolean not null,
  policy_revision bigint not null,
  policy_sha256 text not null,
  sidecar_id text not null,
  session_id text not null,
  request_id text not null,
  remote_address text not null,
  created_at timestamptz(3) not null,
  -- Pending: until when it can be decided. Approved: until when it can be used.
  expires_at timestamptz(3) not null,
  status text not null check (status in ('pending', 'approved', 'used', 'rejected', 'expired')),
  approvals_required integer not null,
  decisions jsonb not null,
  decided_by text not null,
  decided_at timestamptz(3),
  decision_reason text not null,
  used_at timestamptz(3),
  used_event_id text not null,
  -- Position of the latest change in the tenant's list; 0 = nothing was settled yet.
  version bigint not null,
  changed_at timestamptz(3) not null,
  primary key (tenant, id)
);

-- A call is open once at most.
create unique index approvals_open on approvals (tenant, digest) where status in ('pending', 'approved');

create index approvals_by_digest on approvals (tenant, digest, created_at);

create unique index approvals_by_version on approvals (tenant, version) where version > 0;

create index approvals_by_change on approvals (tenant, changed_at);

create index approvals_pending on approvals (tenant, created_at, id) where status = 'pending';

create index approvals_due on approvals (tenant, expires_at) where status in ('pending', 'approved');

create index approvals_by_time on approvals (created_at, tenant, id);

create index approvals_of_tenant_by_time on approvals (tenant, created_at, id);

-- A superadmin names an approval by its id alone.
create index approvals_by_id on approvals (id);

create index approvals_unerased on approvals (changed_at)
  where arguments is not null and status in ('used', 'rejected', 'expired');
