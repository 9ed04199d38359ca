-- Where the member that the transaction acts as must sign in: their MSP, when it asks them to use its identity provider, else null.
create function identity_signs_in_elsewhere() returns uuid
  language sql stable security definer set search_path = public, pg_temp as $$
    select m.msp_id from identity_member m join identity_single_sign_on o on o.msp_id = m.msp_id
     where m.id = app_member_id() and o.required and m.tenant_id is null and m.role <> 'msp-owner'
$$;
alter function identity_signs_in_elsewhere() owner to vouch_platform;
revoke all on function identity_signs_in_elsewhere() from public;
grant execute on function identity_signs_in_elsewhere() to vouch_app, vouch_platform;
