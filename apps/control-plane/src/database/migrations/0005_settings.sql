create table tenant_settings (
  tenant text primary key references tenants,
  settings jsonb not null
);
