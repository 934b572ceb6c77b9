-- Who outside wants to hear of what happens in a tenant, and what is still to be told to them.
create table webhooks (
  tenant text not null references tenants,
  id text not null,
  url text not null,
  events jsonb not null,
  description text not null,
  status text not null check (status in ('enabled', 'disabled', 'gone', 'failing')),
  secrets jsonb not null,
  failing_since timestamptz(3),
  delivered bigint not null,
  dropped bigint not null,
  last_delivered_at timestamptz(3),
  last_error text not null,
  created_at timestamptz(3) not null,
  created_by text not null,
  updated_at timestamptz(3) not null,
  updated_by text not null,
  primary key (tenant, id)
);

-- `next_at` of a row with a lease is the end of the lease: whoever took it and died is followed by another.
create table webhook_deliveries (
  tenant text not null,
  id text not null,
  webhook_id text not null,
  type text not null,
  body text not null,
  status text not null check (status in ('pending', 'delivered', 'failed')),
  attempts int not null,
  next_at timestamptz(3) not null,
  give_up_at timestamptz(3) not null,
  lease text,
  response_status int,
  last_error text not null,
  created_at timestamptz(3) not null,
  finished_at timestamptz(3),
  primary key (tenant, id),
  foreign key (tenant, webhook_id) references webhooks on delete cascade
);

create index webhook_deliveries_due on webhook_deliveries (tenant, webhook_id, next_at) where status = 'pending';

create index webhook_deliveries_listed on webhook_deliveries (tenant, webhook_id, created_at, id);

create index webhook_deliveries_finished on webhook_deliveries (finished_at) where finished_at is not null;
