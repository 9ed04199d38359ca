-- The audit trail: where a change came from, a chain of its own for each tenant, signed checkpoints, and no way to change
-- what is written. Entries of format 1 keep their hashes; they lie in the installation's chain only.

alter table platform_audit
  add column format               smallint not null default 1 check (format in (1, 2)),
  add column from_address         text     not null default '',
  add column tenant_seq           bigint,
  add column tenant_previous_hash text,
  add column tenant_hash          text,
  add unique (tenant_id, tenant_seq),
  add check (format = 1 or (tenant_id is null) = (tenant_seq is null)),
  add check ((tenant_seq is null) = (tenant_hash is null) and (tenant_seq is null) = (tenant_previous_hash is null));

-- Ends of chains, signed by a key that is not in the database: what was written before cannot be rewritten unnoticed.
create table platform_audit_checkpoint (
  id        bigint generated always as identity primary key,
  tenant_id uuid,                                    -- whose chain; null for the installation's
  seq       bigint      not null,
  at        timestamptz not null,
  envelope  jsonb       not null
);
create index platform_audit_checkpoint_chain on platform_audit_checkpoint (tenant_id, seq);
alter table platform_audit_checkpoint enable row level security;
alter table platform_audit_checkpoint force row level security;
create policy platform_audit_checkpoint_own on platform_audit_checkpoint for select to vouch_app
  using (tenant_id = any ((select app_tenant_ids())::uuid[]));
create policy platform_audit_checkpoint_platform on platform_audit_checkpoint to vouch_platform
  using ((select app_job()) is not null) with check ((select app_job()) is not null);
grant select on platform_audit_checkpoint to vouch_app;
grant select, insert on platform_audit_checkpoint to vouch_platform;

-- Not even the owner changes a record by mistake; on purpose it must first switch this off, and the hashes still show it.
create function platform_refuse_change() returns trigger language plpgsql set search_path = public, pg_temp as $$
begin
  raise exception '% is append-only', tg_table_name using errcode = 'insufficient_privilege';
end $$;
create trigger platform_append_only before update or delete or truncate on platform_audit
  for each statement execute function platform_refuse_change();
create trigger platform_append_only before update or delete or truncate on platform_audit_checkpoint
  for each statement execute function platform_refuse_change();
create trigger platform_append_only before update or delete or truncate on platform_job_record
  for each statement execute function platform_refuse_change();

-- The operator reads every chain. The application cannot, so these two answer only for somebody who is an operator.
create function platform_audit_for_operator(operator uuid) returns setof platform_audit
  language sql stable security definer set search_path = public, pg_temp as $$
    select a.* from platform_audit a
     where exists (select 1 from identity_member m where m.id = operator and m.role = 'operator' and m.removed_at is null)
$$;
create function platform_checkpoints_for_operator(operator uuid) returns setof platform_audit_checkpoint
  language sql stable security definer set search_path = public, pg_temp as $$
    select c.* from platform_audit_checkpoint c
     where exists (select 1 from identity_member m where m.id = operator and m.role = 'operator' and m.removed_at is null)
$$;
alter function platform_audit_for_operator(uuid) owner to vouch_platform;
alter function platform_checkpoints_for_operator(uuid) owner to vouch_platform;
revoke all on function platform_audit_for_operator(uuid), platform_checkpoints_for_operator(uuid) from public;
grant execute on function platform_audit_for_operator(uuid), platform_checkpoints_for_operator(uuid) to vouch_app;
