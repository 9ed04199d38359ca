-- Somebody who was removed may be invited again: they come back as a new member, and nothing of the old one is theirs.
alter table identity_member drop constraint identity_member_email_key;
create unique index identity_member_email on identity_member (email) where removed_at is null;

-- Whether an account was signed in to from this address lately. Answers for one of each only, so nobody can list them.
create function identity_knows_address(wanted_email text, from_address text, since timestamptz)
  returns boolean
  language sql stable security definer set search_path = public, pg_temp as $$
    select exists (
      select 1 from identity_session s join identity_member m on m.id = s.member_id and m.removed_at is null
       where m.email = lower(wanted_email) and s.address = from_address and s.created_at > since)
$$;
alter function identity_knows_address(text, text, timestamptz) owner to vouch_platform;
revoke all on function identity_knows_address(text, text, timestamptz) from public;
grant execute on function identity_knows_address(text, text, timestamptz) to vouch_app, vouch_platform;
