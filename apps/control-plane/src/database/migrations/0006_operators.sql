-- The people and programs that use the admin interface under names of their own.

-- A removed operator stays, so that its name is never given to another.
create table operators (
  tenant text not null references tenants,
  id text not null,
  name text not null,
  roles jsonb not null,
  roles_from text not null check (roles_from in ('here', 'provider')),
  issuer text,
  subject text,
  created_at timestamptz(3) not null,
  created_by text not null,
  updated_at timestamptz(3) not null,
  updated_by text not null,
  removed_at timestamptz(3),
  primary key (tenant, id),
  check ((issuer is null) = (subject is null))
);

create unique index operators_by_name on operators (tenant, name);

create unique index operators_by_identity on operators (tenant, issuer, subject) where removed_at is null;

-- What operators sign in with: tokens that an admin issues, and sessions that a login at the identity provider begins. What was revoked is deleted.
create table operator_tokens (
  tenant text not null,
  sha256 text not null,
  id text not null,
  operator_id text not null,
  kind text not null check (kind in ('token', 'session')),
  label text not null,
  roles jsonb not null,
  created_at timestamptz(3) not null,
  created_by text not null,
  expires_at timestamptz(3),
  primary key (tenant, sha256),
  foreign key (tenant, operator_id) references operators
);

create unique index operator_tokens_by_operator on operator_tokens (tenant, operator_id, id);

-- A login at the identity provider that has come back and whose session is still to be fetched. A state comes back once, whichever tenant
-- it turns out to be of.
create table operator_logins (
  tenant text not null,
  code_sha256 text not null,
  state_sha256 text not null,
  operator_id text not null,
  roles jsonb not null,
  created_at timestamptz(3) not null,
  used_at timestamptz(3),
  primary key (tenant, code_sha256),
  foreign key (tenant, operator_id) references operators
);

create unique index operator_logins_by_state on operator_logins (state_sha256);

create index operator_logins_by_age on operator_logins (tenant, created_at);
