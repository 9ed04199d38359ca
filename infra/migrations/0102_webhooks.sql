-- Outgoing webhooks: where events are sent, and what became of each. Owned as API keys are, by an MSP or a tenant.
create table webhook_endpoint (
  id               uuid primary key,
  owner_id         uuid        not null,
  url              text        not null,
  description      text        not null,
  event_types      text[]      not null,
  secret_sealed    text        not null,
  old_secret_sealed text,
  old_secret_until timestamptz,
  version          integer     not null default 1,
  created_at       timestamptz not null,
  failing_since    timestamptz,
  disabled_at      timestamptz,
  disabled_reason  text        not null default ''
);
create index webhook_endpoint_owner on webhook_endpoint (owner_id, created_at, id);

create table webhook_delivery (
  id           uuid primary key,
  endpoint_id  uuid        not null references webhook_endpoint on delete cascade,
  owner_id     uuid        not null,
  event_id     bigint      not null,                 -- of the outbox, which forgets; what is sent is kept here
  type         text        not null,
  message      text        not null,
  state        text        not null check (state in ('waiting', 'delivered', 'failed')),
  attempts     integer     not null default 0,
  tries_left   integer     not null,                 -- a replay gives new ones
  created_at   timestamptz not null,                 -- when the event happened
  next_at      timestamptz,
  claim        uuid,
  delivered_at timestamptz,
  unique (endpoint_id, event_id)
);
create index webhook_delivery_waiting on webhook_delivery (next_at) where state = 'waiting';
create index webhook_delivery_list on webhook_delivery (endpoint_id, created_at, id);

create table webhook_attempt (
  delivery_id uuid        not null references webhook_delivery on delete cascade,
  owner_id    uuid        not null,
  attempt     integer     not null,
  at          timestamptz not null,
  status      integer,
  duration_ms integer     not null,
  answer      text        not null,
  error       text        not null,
  primary key (delivery_id, attempt)
);

do $$
declare t text;
begin
  foreach t in array array['webhook_endpoint', 'webhook_delivery', 'webhook_attempt'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy %I on %I to vouch_app using (owner_id = (select app_owner_id())) '
                   'with check (owner_id = (select app_owner_id()))', t || '_own', t);
    execute format('create policy %I on %I to vouch_platform using (true) with check (true)', t || '_platform', t);
  end loop;
end $$;
grant select, insert, update, delete on webhook_endpoint to vouch_app;
grant select on webhook_delivery, webhook_attempt to vouch_app;
grant update (state, next_at, tries_left) on webhook_delivery to vouch_app;
grant select, insert, update, delete on webhook_endpoint, webhook_delivery, webhook_attempt to vouch_platform;

-- Which events were already looked at for webhooks. What was published before webhooks existed is nobody's.
alter table platform_outbox add column fanned_out_at timestamptz;
update platform_outbox set fanned_out_at = now();
create index platform_outbox_not_fanned_out on platform_outbox (id) where fanned_out_at is null;
