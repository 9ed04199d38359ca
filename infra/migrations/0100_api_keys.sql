-- API keys. A key belongs to an MSP or to one tenant (its owner), as the member who made it does. It is not a tenant's
-- row: an MSP's key reaches all its tenants, the future ones too. So row-level security asks for the owner, which a
-- transaction names for itself as it names its tenants.
create function app_owner_id() returns uuid
  language sql stable parallel safe
  return nullif(current_setting('app.owner_id', true), '')::uuid;

create table identity_api_key (
  id            uuid primary key,
  owner_id      uuid        not null,                -- the MSP or tenant on whose behalf it acts
  maker         uuid        not null,                -- the member who made it; the key ends with the member
  name          text        not null,
  hint          text        not null,
  secret_sha256 text        not null unique,
  role          text        not null,
  actions       text[]      not null check (cardinality(actions) > 0),
  reach         uuid[],                              -- null: every tenant that the maker may reach
  created_at    timestamptz not null,
  expires_at    timestamptz not null,
  last_used_at  timestamptz,
  revoked_at    timestamptz,
  revoked_by    text,
  check (expires_at <= created_at + interval '366 days')
);
create index identity_api_key_owner on identity_api_key (owner_id, created_at, id);
alter table identity_api_key enable row level security;
alter table identity_api_key force row level security;
create policy identity_api_key_own on identity_api_key to vouch_app
  using (owner_id = (select app_owner_id())) with check (owner_id = (select app_owner_id()));
create policy identity_api_key_platform on identity_api_key to vouch_platform using (true) with check (true);
grant select, insert on identity_api_key to vouch_app;
grant update (revoked_at, revoked_by) on identity_api_key to vouch_app;
grant select, insert, update on identity_api_key to vouch_platform;

-- Whose key is this? Answers for one secret only, and only while its maker is a member.
create function identity_find_api_key(wanted_sha256 text, at timestamptz)
  returns table (id uuid, owner_id uuid, name text, email text, role text, maker_role text, actions text[], msp_id uuid, msp text, tenant_ids uuid[])
  language sql stable security definer set search_path = public, pg_temp as $$
    select k.id, k.owner_id, k.name, m.email, k.role, m.role, k.actions, m.msp_id, p.name,
           coalesce((select array_agg(t.tenant_id order by t.name) from identity_tenant t
                      where t.msp_id = m.msp_id and (m.tenant_id is null or t.tenant_id = m.tenant_id)
                        and (k.reach is null or t.tenant_id = any (k.reach))), '{}')
      from identity_api_key k
      join identity_member m on m.id = k.maker and m.removed_at is null and coalesce(m.tenant_id, m.msp_id) = k.owner_id
      join identity_msp p on p.id = m.msp_id
     where k.secret_sha256 = wanted_sha256 and k.revoked_at is null and k.expires_at > at
$$;

-- When keys were used last: noted for many at once, by whoever checked them, whosever they are.
create function identity_note_api_key_use(keys uuid[], used_at timestamptz[]) returns void
  language sql security definer set search_path = public, pg_temp as $$
    update identity_api_key k set last_used_at = greatest(k.last_used_at, u.at)
      from unnest(keys, used_at) as u (id, at) where k.id = u.id
$$;
alter function identity_find_api_key(text, timestamptz) owner to vouch_platform;
alter function identity_note_api_key_use(uuid[], timestamptz[]) owner to vouch_platform;
revoke all on function identity_find_api_key(text, timestamptz), identity_note_api_key_use(uuid[], timestamptz[]) from public;
grant execute on function identity_find_api_key(text, timestamptz), identity_note_api_key_use(uuid[], timestamptz[]) to vouch_app, vouch_platform;
