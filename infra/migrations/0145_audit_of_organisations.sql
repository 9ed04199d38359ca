-- What concerns an organisation, and none of its tenants: its members and how they sign in, its keys, its webhooks.
-- Such entries are in the installation's chain only.
create index platform_audit_subject on platform_audit (subject) where tenant_id is null;
create index platform_audit_actor on platform_audit (actor) where tenant_id is null;
create index platform_audit_owner on platform_audit ((detail ->> 'owner')) where tenant_id is null;

create function platform_audit_of_organisation() returns setof platform_audit
  language sql stable security definer set search_path = public, pg_temp as $$
    with people as (
      select array_agg('member:' || m.id) as names from identity_member m
       where m.msp_id = app_owner_id() or m.tenant_id = app_owner_id())
    select a.* from platform_audit a, people
     where a.tenant_id is null
       and (a.subject = any (people.names) or a.actor = any (people.names) or a.detail ->> 'owner' = app_owner_id()::text)
$$;
alter function platform_audit_of_organisation() owner to vouch_platform;
revoke all on function platform_audit_of_organisation() from public;
grant execute on function platform_audit_of_organisation() to vouch_app;
