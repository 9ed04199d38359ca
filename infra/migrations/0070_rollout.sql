-- Rollout: a revision's way through the rings of a policy and cohort, and what really happened on devices.

create table rollout_ring (
  policy_id   uuid        not null references approval_policy,
  cohort_id   uuid        not null references planning_cohort,
  revision_id uuid        not null,
  ring        integer     not null,
  state       text        not null check (state in ('closed', 'open', 'healthy', 'halted')),
  reason      text        not null,
  changed_at  timestamptz not null,
  primary key (policy_id, cohort_id, revision_id, ring)
);
create index rollout_ring_open on rollout_ring (state) where state in ('closed', 'open');

create table rollout_outcome (
  tenant_id       uuid        not null,
  device_id       uuid        not null,
  revision_id     uuid        not null,
  channel_version integer     not null,
  result          text        not null check (result in ('installed', 'failed', 'refused')),
  healthy         boolean     not null,
  probes          jsonb       not null,
  detail          text        not null,
  installed       jsonb       not null,
  reported_at     timestamptz not null,
  primary key (tenant_id, device_id, revision_id),
  foreign key (tenant_id, device_id) references fleet_device (tenant_id, id)
);
create index rollout_outcome_revision on rollout_outcome (revision_id);
alter table rollout_outcome enable row level security;
alter table rollout_outcome force row level security;
create policy rollout_outcome_own on rollout_outcome to vouch_app
  using (tenant_id = any ((select app_tenant_ids())::uuid[])) with check (tenant_id = any ((select app_tenant_ids())::uuid[]));
create policy rollout_outcome_platform on rollout_outcome to vouch_platform using (true) with check (true);

grant select on rollout_ring to vouch_app;
grant select, insert, update on rollout_ring to vouch_platform;
grant select, insert, update on rollout_outcome to vouch_app;
grant select on rollout_outcome to vouch_platform;
