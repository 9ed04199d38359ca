-- Tenancy: references that cannot cross tenants or MSPs, platform work that names its job, and least grants.

-- A member of a tenant belongs to that tenant's MSP; a tenant's policy is one of its own MSP; a token is used up by a
-- device of its own tenant.
alter table identity_tenant add unique (tenant_id, msp_id);
alter table identity_member add foreign key (tenant_id, msp_id) references identity_tenant (tenant_id, msp_id);

alter table approval_policy add unique (id, msp_id);
alter table approval_tenant_policy add column msp_id uuid;
update approval_tenant_policy a set msp_id = t.msp_id from identity_tenant t where t.tenant_id = a.tenant_id;
alter table approval_tenant_policy
  alter column msp_id set not null,
  add foreign key (tenant_id, msp_id) references identity_tenant (tenant_id, msp_id),
  add foreign key (policy_id, msp_id) references approval_policy (id, msp_id);

-- Deferred: of two devices with one token, taking the token decides who may come.
alter table fleet_enrolment_token
  add foreign key (tenant_id, used_by) references fleet_device (tenant_id, id) deferrable initially deferred;

-- A lab-runner's report changes how a run goes, never what it is: revision, golden and plan stay as they were queued.
revoke update on lab_test_run from vouch_app;
grant update (state, attempt, runner_id, lease_until, started_at, finished_at, observations, evidence)
  on lab_test_run to vouch_app;

-- The job that this transaction of the platform runs for; null when nobody named one.
create function app_job() returns text
  language sql stable parallel safe
  return nullif(current_setting('app.job', true), '');

-- What jobs of the platform changed in whose rows: written by the database itself, one row for each statement and
-- tenant. Append-only: no role of ours may write it, and a tenant may read what touched it.
create table platform_job_record (
  id             bigint generated always as identity primary key,
  at             timestamptz not null default now(),
  transaction_id bigint      not null,
  job            text        not null,
  table_name     text        not null,
  tenant_id      uuid,
  operation      text        not null,
  rows           bigint      not null
);
create index platform_job_record_tenant on platform_job_record (tenant_id, id);
alter table platform_job_record enable row level security;
alter table platform_job_record force row level security;
create policy platform_job_record_own on platform_job_record for select to vouch_app
  using (tenant_id = any ((select app_tenant_ids())::uuid[]));
-- Row-level security is forced on its owner too, as whom the trigger below writes.
create policy platform_job_record_written on platform_job_record for insert to current_user with check (true);
grant select on platform_job_record to vouch_app;

create function platform_record_job() returns trigger
  language plpgsql security definer set search_path = public, pg_temp as $$
begin
  insert into platform_job_record (transaction_id, job, table_name, tenant_id, operation, rows)
    select pg_current_xact_id()::text::bigint, app_job(), tg_table_name, tenant_id, lower(tg_op), count(*)
      from touched group by tenant_id;
  return null;
end $$;
revoke all on function platform_record_job() from public;

-- Guards every table with row-level security, so that none can be forgotten; the migrator calls it after each run. Done twice it
-- changes nothing.
create function platform_guard_tenant_tables() returns void
  language plpgsql set search_path = public, pg_temp as $$
declare
  it record;
begin
  for it in
    select p.tablename, p.policyname, p.qual, p.with_check from pg_policies p
     where p.schemaname = 'public' and 'vouch_platform' = any (p.roles)
       and (p.qual !~ 'app_job' or p.with_check !~ 'app_job')
  loop
    execute format('alter policy %I on %I', it.policyname, it.tablename)
      || coalesce(format(' using ((%s) and (select app_job()) is not null)', it.qual), '')
      || coalesce(format(' with check ((%s) and (select app_job()) is not null)', it.with_check), '');
  end loop;

  for it in
    select c.oid, c.relname as name, o.operation, o.rows_as
      from pg_class c
      join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
     cross join (values ('insert', 'new'), ('update', 'new'), ('delete', 'old')) o (operation, rows_as)
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
       -- They are records themselves.
       and c.relname not in ('platform_audit', 'platform_audit_checkpoint', 'platform_job_record')
       and not exists (select 1 from pg_trigger t where t.tgrelid = c.oid and t.tgname = 'platform_record_' || o.operation)
  loop
    execute format(
      'create trigger %I after %s on %I referencing %s table as touched for each statement '
      'when (current_user = ''vouch_platform'') execute function platform_record_job()',
      'platform_record_' || it.operation, it.operation, it.name, it.rows_as);
  end loop;

  -- Functions that answer the application as the platform are jobs too: of their own name.
  for it in
    select f.oid::regprocedure as signature, f.proname as name from pg_proc f
     where f.pronamespace = 'public'::regnamespace and f.prosecdef and pg_get_userbyid(f.proowner) = 'vouch_platform'
       and not coalesce(array_to_string(f.proconfig, ',') like '%app.job=%', false)
  loop
    execute format('alter function %s set app.job = %L', it.signature, 'function:' || it.name);
  end loop;
end $$;
revoke all on function platform_guard_tenant_tables() from public;
