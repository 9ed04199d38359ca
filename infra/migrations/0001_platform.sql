-- Platform: the tenant setting that row-level security reads, the outbox, the audit trail.
-- Roles (made by the migrator, since they belong to the cluster): vouch_owner owns every table and runs
-- migrations; vouch_app serves people, devices and lab-runners and sees only the tenants that its transaction names;
-- vouch_platform runs the platform's own jobs across tenants. None may bypass row-level security.

-- The tenants that this transaction may touch; empty when nobody set them, so that nothing is visible.
create function app_tenant_ids() returns uuid[]
  language sql stable parallel safe
  return coalesce(string_to_array(nullif(current_setting('app.tenant_ids', true), ''), ',')::uuid[], '{}'::uuid[]);

create table platform_outbox (
  id             bigint generated always as identity primary key,
  topic          text        not null,
  payload        jsonb       not null,
  correlation_id text        not null,
  created_at     timestamptz not null default now(),
  relayed_at     timestamptz
);
create index platform_outbox_waiting on platform_outbox (id) where relayed_at is null;
create index platform_outbox_relayed on platform_outbox (relayed_at) where relayed_at is not null;

-- Tells listeners (the console's live feed, the relay) that something was committed; the rows stay the truth.
create function platform_outbox_notify() returns trigger language plpgsql as $$
begin
  perform pg_notify('vouch_outbox', new.topic);
  return null;
end $$;
create trigger platform_outbox_notify after insert on platform_outbox
  for each row execute function platform_outbox_notify();

-- Append-only and hash-chained: `hash` covers the row and the hash before it. No role may change or delete a row.
create table platform_audit (
  seq           bigint primary key,
  tenant_id     uuid,
  at            timestamptz not null,
  actor         text        not null,
  action        text        not null,
  subject       text        not null,
  why           text        not null,
  detail        jsonb       not null,
  previous_hash text        not null,
  hash          text        not null unique
);
create index platform_audit_tenant on platform_audit (tenant_id, seq);
alter table platform_audit enable row level security;
alter table platform_audit force row level security;
create policy platform_audit_tenant on platform_audit for select to vouch_app
  using (tenant_id = any ((select app_tenant_ids())::uuid[]));
create policy platform_audit_append on platform_audit for insert to vouch_app
  with check (tenant_id is null or tenant_id = any ((select app_tenant_ids())::uuid[]));
create policy platform_audit_platform on platform_audit to vouch_platform using (true) with check (true);

-- The end of the chain, kept apart so that the application can append without reading other tenants' rows.
create table platform_audit_head (
  only_row boolean primary key default true check (only_row),
  seq      bigint not null,
  hash     text   not null
);
insert into platform_audit_head (seq, hash) values (0, repeat('0', 64));

grant select, insert, update, delete on platform_outbox to vouch_platform;
grant insert on platform_outbox to vouch_app;
grant select, insert on platform_audit to vouch_app, vouch_platform;
grant select, update on platform_audit_head to vouch_app, vouch_platform;
