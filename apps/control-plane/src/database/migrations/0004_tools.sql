-- What the tools of a tenant's upstreams are, and which of their definitions are approved.

-- How far the tenant's pins have come. Every change locks this row, so that versions have no holes and of two first definitions one is first.
create table tool_registers (
  tenant text primary key references tenants,
  version bigint not null,
  mode text not null check (mode in ('trust_first', 'approve_all', 'off'))
);

create table tools (
  tenant text not null references tenants,
  id text not null,
  upstream text not null,
  name text not null,
  status text not null check (status in ('pinned', 'quarantined', 'blocked')),
  reason text not null,
  digests jsonb not null,
  candidate text,
  flags jsonb not null,
  explicit boolean not null,
  since bigint not null,
  version bigint not null,
  first_seen_at timestamptz(3) not null,
  last_seen_at timestamptz(3) not null,
  seen_by text not null,
  decided_by text not null,
  decided_at timestamptz(3),
  decision_reason text not null,
  primary key (tenant, id)
);

create unique index tools_by_name on tools (tenant, upstream, name);

create unique index tools_by_version on tools (tenant, version);

-- The definitions that are approved or wait; null text = too large to be kept.
create table tool_definitions (
  tenant text not null,
  tool_id text not null,
  digest text not null,
  definition text,
  flags jsonb not null,
  primary key (tenant, tool_id, digest),
  foreign key (tenant, tool_id) references tools
);
