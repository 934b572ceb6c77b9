-- More rights for a while: who asked for which role and why, who gave it, and until when.
create table elevations (
  tenant text not null references tenants,
  id text not null,
  requester text not null,
  role text not null check (role in ('operator', 'approver', 'policy_author', 'admin')),
  reason text not null,
  ttl_seconds int not null,
  status text not null check (status in ('pending', 'active', 'rejected', 'ended')),
  created_at timestamptz(3) not null,
  expires_at timestamptz(3) not null,
  decided_at timestamptz(3),
  decided_by text not null,
  decision_reason text not null,
  ended_at timestamptz(3),
  ended_by text not null,
  primary key (tenant, id)
);

create index elevations_listed on elevations (tenant, created_at, id);

create index elevations_open on elevations (tenant, requester) where status in ('pending', 'active');
