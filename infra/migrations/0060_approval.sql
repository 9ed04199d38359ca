-- Approval: policies, channels, approvals. An approval lives at the channel (policy, cohort, ring): one row, whatever
-- the number of devices that read it.

create table approval_policy (
  id      uuid primary key,
  msp_id  uuid    not null references identity_msp,
  name    text    not null,
  version integer not null default 1,
  rules   jsonb   not null,
  unique (msp_id, name)
);

create table approval_tenant_policy (
  tenant_id uuid primary key references identity_tenant,
  policy_id uuid not null references approval_policy
);
alter table approval_tenant_policy enable row level security;
alter table approval_tenant_policy force row level security;
create policy approval_tenant_policy_own on approval_tenant_policy to vouch_app
  using (tenant_id = any ((select app_tenant_ids())::uuid[]));
create policy approval_tenant_policy_platform on approval_tenant_policy to vouch_platform using (true) with check (true);

create table approval_channel (
  id                uuid primary key,
  policy_id         uuid        not null references approval_policy,
  cohort_id         uuid        not null references planning_cohort,
  ring              integer     not null check (ring >= 0),
  version           integer     not null default 0,  -- of the approvals; grows in the transaction that changes them
  published_version integer     not null default 0,
  published_until   timestamptz,
  envelope          jsonb,
  envelope_sha256   text,
  unique (policy_id, cohort_id, ring)
);

-- Why a policy does or does not approve a revision for a cohort: the newest answer (I8).
create table approval_decision (
  policy_id   uuid        not null references approval_policy,
  cohort_id   uuid        not null references planning_cohort,
  revision_id uuid        not null,
  verdict_id  uuid references lab_verdict,
  outcome     text        not null check (outcome in ('approved', 'refused', 'waiting')),
  reason      text        not null,
  coverage    jsonb,
  decided_at  timestamptz not null,
  primary key (policy_id, cohort_id, revision_id)
);

create table approval_approval (
  id              uuid primary key,
  channel_id      uuid        not null references approval_channel,
  revision_id     uuid        not null,
  verdict_id      uuid        not null references lab_verdict,
  state           text        not null default 'active' check (state in ('active', 'held', 'withdrawn')),
  reason          text        not null default '',
  coverage        jsonb       not null,
  not_before      timestamptz not null,
  expires_at      timestamptz not null,
  channel_version integer     not null,
  approved_at     timestamptz not null,
  unique (channel_id, revision_id)
);

grant select on approval_policy, approval_tenant_policy, approval_channel, approval_decision, approval_approval to vouch_app;
grant select, insert, update on approval_policy, approval_tenant_policy, approval_channel, approval_decision, approval_approval
  to vouch_platform;
