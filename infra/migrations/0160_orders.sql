-- What people order about approvals: policies that change, patches that are held, verdicts whose doubts are waived.

-- Which rules held when, and why they were changed.
alter table approval_policy add column changed_at timestamptz;  -- null: never since it was made
create table approval_policy_version (
  policy_id  uuid        not null references approval_policy,
  version    integer     not null,
  rules      jsonb       not null,
  changed_at timestamptz not null,
  changed_by text        not null,
  why        text        not null,
  primary key (policy_id, version)
);
insert into approval_policy_version (policy_id, version, rules, changed_at, changed_by, why)
  select id, version, rules, now(), 'platform', 'As it was made' from approval_policy;
grant select, insert on approval_policy_version to vouch_platform;

-- The one way in which the application changes a policy: of the MSP that it acts for, and only if nobody was faster.
create function approval_change_policy(wanted uuid, known_version integer, new_rules jsonb, at timestamptz, by text, why text)
  returns integer
  language sql security definer set search_path = public, pg_temp as $$
    with changed as (
      update approval_policy set rules = new_rules, version = version + 1, changed_at = at
       where id = wanted and msp_id = app_owner_id() and version = known_version returning id, version),
    noted as (
      insert into approval_policy_version (policy_id, version, rules, changed_at, changed_by, why)
      select id, version, new_rules, at, by, why from changed)
    select version from changed
$$;
alter function approval_change_policy(uuid, integer, jsonb, timestamptz, text, text) owner to vouch_platform;
revoke all on function approval_change_policy(uuid, integer, jsonb, timestamptz, text, text) from public;
grant execute on function approval_change_policy(uuid, integer, jsonb, timestamptz, text, text) to vouch_app;

-- An MSP's order for all its customers. A hold stops a revision; a waiver lets one verdict's doubts pass, for a time. Orders end and
-- are never removed.
create table approval_order (
  id          uuid primary key,
  msp_id      uuid        not null references identity_msp,
  kind        text        not null check (kind in ('hold', 'waiver')),
  revision_id uuid        not null references catalog_revision,
  verdict_id  uuid references lab_verdict,
  why         text        not null,
  ordered_by  text        not null,
  name        text        not null,
  ordered_at  timestamptz not null,
  until       timestamptz,
  ended_at    timestamptz,
  ended_by    text,
  check (kind = 'hold' or (verdict_id is not null and until is not null))
);
create unique index approval_order_one_hold on approval_order (msp_id, revision_id) where kind = 'hold' and ended_at is null;
create unique index approval_order_one_waiver on approval_order (msp_id, verdict_id) where kind = 'waiver' and ended_at is null;
create index approval_order_revision on approval_order (revision_id);
create index approval_order_list on approval_order (msp_id, ordered_at, id);
alter table approval_order enable row level security;
alter table approval_order force row level security;
create policy approval_order_own on approval_order to vouch_app
  using (msp_id = (select app_owner_id())) with check (msp_id = (select app_owner_id()));
create policy approval_order_platform on approval_order to vouch_platform using (true) with check (true);
grant select, insert on approval_order to vouch_app;
grant update (ended_at, ended_by) on approval_order to vouch_app;
grant select on approval_order to vouch_platform;

-- What a decision and an approval rest on, beside the verdict.
alter table approval_decision add column hold_id uuid references approval_order, add column waiver_id uuid references approval_order;
alter table approval_approval add column waiver_id uuid references approval_order;
