-- Fleet: tenants' devices and what they are.

create table fleet_enrolment_token (
  tenant_id    uuid        not null references identity_tenant,
  token_sha256 text        not null,
  ring         integer     not null check (ring >= 0),
  created_by   text        not null,
  expires_at   timestamptz not null,
  used_at      timestamptz,
  used_by      uuid,
  primary key (tenant_id, token_sha256)
);

create table fleet_device (
  tenant_id          uuid        not null references identity_tenant,
  id                 uuid        not null,
  name               text        not null,
  ring               integer     not null check (ring >= 0),
  public_key_pem     text        not null,
  fingerprint        jsonb,
  fingerprint_sha256 text,
  stream             text,
  cohort_id          uuid references planning_cohort,
  enrolled_at        timestamptz not null,
  last_seen_at       timestamptz,
  revoked_at         timestamptz,
  primary key (tenant_id, id)
);
create index fleet_device_cohort on fleet_device (cohort_id, ring);

-- Requests that a device has already made, so that a recorded one cannot be played again.
create table fleet_device_nonce (
  tenant_id uuid        not null,
  device_id uuid        not null,
  nonce     text        not null,
  at        timestamptz not null,
  primary key (tenant_id, device_id, nonce),
  foreign key (tenant_id, device_id) references fleet_device (tenant_id, id)
);

-- Which tenants need a revision, with how many machines: who benefits from its test. One row per tenant, cohort and
-- revision, never one per device.
create table fleet_need (
  tenant_id    uuid        not null references identity_tenant,
  revision_id  uuid        not null,
  cohort_id    uuid        not null references planning_cohort,
  devices      integer     not null,
  first_at     timestamptz not null,
  met_at       timestamptz,
  primary key (tenant_id, revision_id, cohort_id)
);
create index fleet_need_revision on fleet_need (revision_id);

do $$
declare t text;
begin
  foreach t in array array['fleet_enrolment_token', 'fleet_device', 'fleet_device_nonce', 'fleet_need'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy %I on %I to vouch_app using (tenant_id = any ((select app_tenant_ids())::uuid[])) '
                   'with check (tenant_id = any ((select app_tenant_ids())::uuid[]))', t || '_own', t);
    execute format('create policy %I on %I to vouch_platform using (true) with check (true)', t || '_platform', t);
  end loop;
end $$;

grant select, insert, update on fleet_enrolment_token, fleet_device to vouch_app, vouch_platform;
grant select, insert, delete on fleet_device_nonce to vouch_app, vouch_platform;
grant select on fleet_need to vouch_app;
grant select, insert, update on fleet_need to vouch_platform;
