-- Single sign-on of an MSP with its own identity provider (OpenID Connect).

create table identity_single_sign_on (
  msp_id        uuid primary key references identity_msp,
  issuer        text        not null,
  client_id     text        not null,
  secret_sealed text        not null,
  required      boolean     not null default false,  -- members of the MSP may not sign in with a password; owners may
  changed_at    timestamptz not null
);
alter table identity_single_sign_on enable row level security;
alter table identity_single_sign_on force row level security;
create policy identity_single_sign_on_own on identity_single_sign_on to vouch_app
  using (msp_id = (select app_owner_id())) with check (msp_id = (select app_owner_id()));
create policy identity_single_sign_on_platform on identity_single_sign_on to vouch_platform using (true) with check (true);
grant select, insert, update, delete on identity_single_sign_on to vouch_app, vouch_platform;

-- Whom a provider's subject is here. Once linked, the e-mail address decides nothing any more: it may change hands.
create table identity_subject (
  msp_id     uuid        not null references identity_msp,
  issuer     text        not null,
  subject    text        not null,
  member_id  uuid        not null references identity_member,
  created_at timestamptz not null,
  primary key (msp_id, issuer, subject)
);
create index identity_subject_member on identity_subject (member_id);
alter table identity_subject enable row level security;
alter table identity_subject force row level security;
create policy identity_subject_own on identity_subject to vouch_app
  using (member_id = (select app_member_id())) with check (member_id = (select app_member_id()));
create policy identity_subject_platform on identity_subject to vouch_platform using (true) with check (true);
grant select, insert on identity_subject to vouch_app, vouch_platform;

create function identity_find_single_sign_on(wanted_msp uuid)
  returns table (msp_id uuid, issuer text, client_id text, secret_sealed text)
  language sql stable security definer set search_path = public, pg_temp as $$
    select msp_id, issuer, client_id, secret_sealed from identity_single_sign_on where msp_id = wanted_msp
$$;
-- Who a provider's subject is: by the link that was made, else by the verified address, and only within the provider's MSP.
create function identity_find_subject(wanted_msp uuid, wanted_issuer text, wanted_subject text, verified_email text)
  returns table (member_id uuid, linked boolean)
  language sql stable security definer set search_path = public, pg_temp as $$
    select m.id, s.subject is not null
      from identity_member m
      left join identity_subject s on s.member_id = m.id and s.msp_id = wanted_msp and s.issuer = wanted_issuer
     where m.msp_id = wanted_msp and m.tenant_id is null and m.removed_at is null
       and (s.subject = wanted_subject
            or s.subject is null and m.email = lower(verified_email)
               and not exists (select 1 from identity_subject o
                                where o.msp_id = wanted_msp and o.issuer = wanted_issuer and o.subject = wanted_subject))
$$;
drop function identity_find_member(text);
create function identity_find_member(wanted_email text)
  returns table (id uuid, tenant_id uuid, name text, password_hash text, elsewhere uuid)
  language sql stable security definer set search_path = public, pg_temp as $$
    select m.id, m.tenant_id, m.name, m.password_hash,
           case when o.required and m.tenant_id is null and m.role <> 'msp-owner' then m.msp_id end
      from identity_member m
      left join identity_single_sign_on o on o.msp_id = m.msp_id
     where m.email = lower(wanted_email) and m.removed_at is null
$$;
do $$
declare f text;
begin
  foreach f in array array['identity_find_single_sign_on(uuid)', 'identity_find_subject(uuid, text, text, text)',
                           'identity_find_member(text)'] loop
    execute format('alter function %s owner to vouch_platform', f);
    execute format('revoke all on function %s from public', f);
    execute format('grant execute on function %s to vouch_app, vouch_platform', f);
  end loop;
end $$;
