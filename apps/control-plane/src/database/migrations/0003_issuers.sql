-- Identity providers whose access tokens a tenant's sidecars take, each once, with the rules of what its tokens are exchanged for.
create table trusted_issuers (
  tenant text not null references tenants,
  id text not null,
  issuer text not null,
  trust jsonb not null,
  created_at timestamptz(3) not null,
  created_by text not null,
  updated_at timestamptz(3) not null,
  updated_by text not null,
  primary key (tenant, id)
);

create unique index trusted_issuers_by_url on trusted_issuers (tenant, issuer);

-- A superadmin names an issuer by its id alone.
create index trusted_issuers_by_id on trusted_issuers (id);
