-- Tool servers that a tenant registers for its sidecars. Secrets are named here and kept elsewhere.

-- How far the tenant's list has come. Every change locks this row, so that versions have no holes.
create table upstream_registers (
  tenant text primary key references tenants,
  version bigint not null
);

create table upstreams (
  tenant text not null references tenants,
  name text not null,
  transport text not null check (transport in ('http', 'sse')),
  url text not null,
  auth jsonb not null,
  enabled boolean not null,
  created_at timestamptz(3) not null,
  created_by text not null,
  updated_at timestamptz(3) not null,
  updated_by text not null,
  primary key (tenant, name)
);
