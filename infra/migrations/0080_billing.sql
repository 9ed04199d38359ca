-- Billing: metered costs, their shares, statements. Our ledger; the payment provider's records are a projection of it.

create table billing_cost_entry (
  id           uuid primary key,
  run_id       uuid        not null unique,          -- metered once
  revision_id  uuid        not null,
  lab_ms       bigint      not null check (lab_ms >= 0),
  amount_minor bigint      not null check (amount_minor >= 0),
  currency     text        not null,
  rule         jsonb       not null,                 -- the rates that made the amount
  metered_at   timestamptz not null
);

create table billing_statement (
  tenant_id    uuid        not null references identity_tenant,
  id           uuid        not null,
  period       text        not null,
  state        text        not null check (state in ('closed', 'invoiced', 'paid')),
  total_minor  bigint      not null,
  currency     text        not null,
  invoice_id   text,
  invoice_url  text,
  closed_at    timestamptz not null,
  invoiced_at  timestamptz,
  paid_at      timestamptz,
  primary key (tenant_id, id),
  unique (tenant_id, period)
);
create index billing_statement_waiting on billing_statement (state) where state = 'closed';

create table billing_share (
  tenant_id     uuid    not null references identity_tenant,
  cost_entry_id uuid    not null references billing_cost_entry,
  amount_minor  bigint  not null check (amount_minor >= 0),
  currency      text    not null,
  beneficiaries integer not null check (beneficiaries > 0),
  statement_id  uuid    not null,
  primary key (tenant_id, cost_entry_id),
  foreign key (tenant_id, statement_id) references billing_statement (tenant_id, id)
);

create table billing_customer (
  tenant_id   uuid primary key references identity_tenant,
  provider    text not null,
  customer_id text not null
);

-- Billing periods that somebody asked to close; closing itself spans tenants and is the platform's job.
create table billing_period (
  name         text primary key,
  requested_by text        not null,
  requested_at timestamptz not null,
  closed_at    timestamptz,
  statements   integer
);

-- Provider's events as they came, verified; they come twice, late and out of order, and are applied once.
create table billing_webhook_event (
  event_id     text primary key,
  type         text        not null,
  statement_id uuid,
  paid         boolean     not null,
  received_at  timestamptz not null,
  applied_at   timestamptz
);
create index billing_webhook_event_waiting on billing_webhook_event (received_at) where applied_at is null;

do $$
declare t text;
begin
  foreach t in array array['billing_statement', 'billing_share', 'billing_customer'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy %I on %I to vouch_app using (tenant_id = any ((select app_tenant_ids())::uuid[]))',
                   t || '_own', t);
    execute format('create policy %I on %I to vouch_platform using (true) with check (true)', t || '_platform', t);
  end loop;
end $$;

grant select on billing_cost_entry, billing_statement, billing_share, billing_customer to vouch_app;
grant select, insert on billing_period, billing_webhook_event to vouch_app;
grant select, insert, update on billing_period, billing_cost_entry, billing_statement, billing_share, billing_customer, billing_webhook_event
  to vouch_platform;
