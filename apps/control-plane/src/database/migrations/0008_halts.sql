-- Kill switches, those that are on and those that were. What stops everybody is kept under the control plane's own tenant.
create table halts (
  tenant text not null references tenants,
  id text not null,
  scope text not null check (scope in ('global', 'tenant', 'agent', 'tool', 'token', 'subtree')),
  value text not null,
  reason text not null,
  engaged_at timestamptz(3) not null,
  engaged_by text not null,
  expires_at timestamptz(3),
  released_at timestamptz(3),
  released_by text not null default '',
  release_reason text not null default '',
  primary key (tenant, id)
);

-- Those that nobody released: on, if their end is yet to come.
create index halts_by_end on halts (tenant, expires_at) where released_at is null;

create index halts_by_time on halts (engaged_at, tenant, id);

-- A superadmin names a kill switch by its id alone.
create index halts_by_id on halts (id);

-- How often the halts of a tenant have changed. Every change locks this row, so that the limit on their number holds and none is on twice.
create table halt_versions (
  tenant text primary key references tenants,
  version bigint not null
);
