-- Whose key is this, and is it for some tenants only? Such a key may nothing that is the whole organisation's. As before it answers
-- for one secret only, and only while its maker is a member.
drop function identity_find_api_key(text, timestamptz);
create function identity_find_api_key(wanted_sha256 text, at timestamptz)
  returns table (id uuid, owner_id uuid, name text, email text, role text, maker_role text, actions text[], msp_id uuid, msp text,
                 tenant_ids uuid[], for_some_tenants boolean)
  language sql stable security definer set search_path = public, pg_temp as $$
    select k.id, k.owner_id, k.name, m.email, k.role, m.role, k.actions, m.msp_id, p.name,
           coalesce((select array_agg(t.tenant_id order by t.name) from identity_tenant t
                      where t.msp_id = m.msp_id and (m.tenant_id is null or t.tenant_id = m.tenant_id)
                        and (k.reach is null or t.tenant_id = any (k.reach))), '{}'),
           k.reach is not null
      from identity_api_key k
      join identity_member m on m.id = k.maker and m.removed_at is null and coalesce(m.tenant_id, m.msp_id) = k.owner_id
      join identity_msp p on p.id = m.msp_id
     where k.secret_sha256 = wanted_sha256 and k.revoked_at is null and k.expires_at > at
$$;
alter function identity_find_api_key(text, timestamptz) owner to vouch_platform;
revoke all on function identity_find_api_key(text, timestamptz) from public;
grant execute on function identity_find_api_key(text, timestamptz) to vouch_app, vouch_platform;
