-- An audit chain of its own for each MSP: what its people, keys, webhooks, policies, orders and periods went through, as
-- far as it concerns no single tenant. And with which program a change was asked for. An entry is in the installation's
-- chain and in at most one more: its tenant's or its MSP's. Entries of the formats before keep their hashes and places.
alter table platform_audit rename column tenant_seq to owner_seq;
alter table platform_audit rename column tenant_previous_hash to owner_previous_hash;
alter table platform_audit rename column tenant_hash to owner_hash;
alter table platform_audit
  add column msp_id     uuid,
  add column user_agent text not null default '',
  add unique (msp_id, owner_seq),
  add check (num_nonnulls(tenant_id, msp_id) <= 1),
  add check (msp_id is null or format >= 3);
-- What the table's first owners' chains were held to, now for both kinds of owner.
do $$
declare
  it record;
begin
  for it in select conname from pg_constraint
             where conrelid = 'platform_audit'::regclass and contype = 'c'
               and (pg_get_constraintdef(oid) ~ 'format = ANY' or pg_get_constraintdef(oid) ~ 'format = 1\)? OR')
  loop
    execute format('alter table platform_audit drop constraint %I', it.conname);
  end loop;
end $$;
alter table platform_audit
  add check (format in (1, 2, 3)),
  add check (format = 1 or (num_nonnulls(tenant_id, msp_id) = 0) = (owner_seq is null));

-- An MSP's entries are shown to who acts for the MSP, and written by nobody else.
create policy platform_audit_msp on platform_audit for select to vouch_app
  using (msp_id = (select app_owner_id()));
drop policy platform_audit_append on platform_audit;
create policy platform_audit_append on platform_audit for insert to vouch_app
  with check ((tenant_id is null or tenant_id = any ((select app_tenant_ids())::uuid[]))
              and (msp_id is null or msp_id = (select app_owner_id())));

alter table platform_audit_checkpoint
  add column msp_id uuid,
  add check (num_nonnulls(tenant_id, msp_id) <= 1);
create index platform_audit_checkpoint_msp on platform_audit_checkpoint (msp_id, seq);
create policy platform_audit_checkpoint_msp on platform_audit_checkpoint for select to vouch_app
  using (msp_id = (select app_owner_id()));

-- Whose member is this? Answers for one member, who acts in this transaction or is signing in; null for a tenant's and an operator.
create function identity_msp_of_member(wanted uuid) returns uuid
  language sql stable security definer set search_path = public, pg_temp as $$
    select m.msp_id from identity_member m where m.id = wanted and m.tenant_id is null
$$;
alter function identity_msp_of_member(uuid) owner to vouch_platform;
revoke all on function identity_msp_of_member(uuid) from public;
grant execute on function identity_msp_of_member(uuid) to vouch_app, vouch_platform;

-- Entries from before an MSP had a chain, and what a tenant's own members do to their accounts, are in the installation's chain only.
create or replace function platform_audit_of_organisation() returns setof platform_audit
  language sql stable security definer set search_path = public, pg_temp as $$
    with people as (
      select array_agg('member:' || m.id) as names from identity_member m
       where m.msp_id = app_owner_id() or m.tenant_id = app_owner_id())
    select a.* from platform_audit a, people
     where a.tenant_id is null and a.msp_id is null
       and (a.subject = any (people.names) or a.actor = any (people.names) or a.detail ->> 'owner' = app_owner_id()::text)
$$;

-- The operator reads every chain. As policies, where the two functions before gathered the whole trail for each page of an
-- export: the database looks once in each statement whether the one who is named runs the installation.
create function app_reads_all_audit() returns boolean
  language sql stable security definer set search_path = public, pg_temp as $$
    select exists (select 1 from identity_member m
                    where m.id = nullif(current_setting('app.operator_id', true), '')::uuid
                      and m.role = 'operator' and m.removed_at is null)
$$;
alter function app_reads_all_audit() owner to vouch_platform;
revoke all on function app_reads_all_audit() from public;
grant execute on function app_reads_all_audit() to vouch_app, vouch_platform;
create policy platform_audit_operator on platform_audit for select to vouch_app using ((select app_reads_all_audit()));
create policy platform_audit_checkpoint_operator on platform_audit_checkpoint for select to vouch_app
  using ((select app_reads_all_audit()));
drop function platform_audit_for_operator(uuid);
drop function platform_checkpoints_for_operator(uuid);
create index platform_audit_at on platform_audit (at);
