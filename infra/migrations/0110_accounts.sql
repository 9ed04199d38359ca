-- Accounts of people: sessions and factors that only their owner sees, members whom their own organisation manages,
-- invitations, password resets, and the mails that carry them.

-- The member on whose own behalf this transaction works; null when it works for nobody.
create function app_member_id() returns uuid
  language sql stable parallel safe
  return nullif(current_setting('app.member_id', true), '')::uuid;

-- A time-based code's secret (RFC 6238), sealed. `last_step` is the newest that was accepted: none is accepted twice.
create table identity_totp (
  member_id     uuid primary key references identity_member,
  secret_sealed text        not null,
  created_at    timestamptz not null,
  confirmed_at  timestamptz,                        -- null: being set up, asked for by nobody
  last_step     bigint      not null default 0
);

create table identity_recovery_code (
  member_id   uuid        not null references identity_member,
  code_sha256 text        not null,
  used_at     timestamptz,
  primary key (member_id, code_sha256)
);

create table identity_passkey (
  id           text primary key,                     -- the credential id, base64url
  member_id    uuid        not null references identity_member,
  name         text        not null,
  public_key   bytea       not null,                 -- COSE
  counter      bigint      not null,
  transports   text[]      not null default '{}',
  backed_up    boolean     not null default false,
  created_at   timestamptz not null,
  last_used_at timestamptz
);
create index identity_passkey_member on identity_passkey (member_id, created_at);

do $$
declare t text;
begin
  foreach t in array array['identity_session', 'identity_totp', 'identity_recovery_code', 'identity_passkey'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy %I on %I to vouch_app using (member_id = (select app_member_id())) '
                   'with check (member_id = (select app_member_id()))', t || '_own', t);
    execute format('create policy %I on %I to vouch_platform using (true) with check (true)', t || '_platform', t);
    execute format('grant select, insert, update, delete on %I to vouch_app, vouch_platform', t);
  end loop;
end $$;
create index identity_session_member on identity_session (member_id, created_at);

-- Members see themselves; an owner sees and manages those of the own MSP (as `app.owner_id`) and of its tenants.
-- Nobody reads a password hash in a list: the column is not granted.
create policy identity_member_self on identity_member for select to vouch_app using (id = (select app_member_id()));
create policy identity_member_self_change on identity_member for update to vouch_app
  using (id = (select app_member_id())) with check (id = (select app_member_id()));
create policy identity_member_msp on identity_member for select to vouch_app
  using (tenant_id is null and msp_id = (select app_owner_id()));
create policy identity_member_manage on identity_member for update to vouch_app
  using (tenant_id = any ((select app_tenant_ids())::uuid[]) or tenant_id is null and msp_id = (select app_owner_id()))
  with check (tenant_id = any ((select app_tenant_ids())::uuid[]) or tenant_id is null and msp_id = (select app_owner_id()));
create policy identity_member_join on identity_member for insert to vouch_app
  with check (tenant_id = any ((select app_tenant_ids())::uuid[]) or tenant_id is null and msp_id = (select app_owner_id()));
grant select (id, msp_id, tenant_id, email, name, role, created_at, removed_at) on identity_member to vouch_app;
grant insert, update (name, role, password_hash, removed_at) on identity_member to vouch_app;

-- Wrong guesses by what they were made at and from (hashed): guessing gets slower, see libs/identity throttle.
create table identity_guess (
  key_sha256    text primary key,
  failures      integer     not null,
  last_at       timestamptz not null,
  blocked_until timestamptz
);
create index identity_guess_last on identity_guess (last_at);
grant select, insert, update, delete on identity_guess to vouch_app, vouch_platform;

-- What a browser must bring back once: challenges of passkeys, states of single sign-on.
create table identity_challenge (
  challenge_sha256 text primary key,
  purpose          text        not null,
  member_id        uuid references identity_member,
  sealed           text        not null default '',
  expires_at       timestamptz not null
);
create index identity_challenge_expires on identity_challenge (expires_at);
grant select, insert, delete on identity_challenge to vouch_app, vouch_platform;

-- A secret sent by mail that lets somebody in once: an invitation, or a new password.
create table identity_invitation (
  id           uuid primary key,
  owner_id     uuid        not null,                 -- the MSP or tenant that the new member belongs to
  msp_id       uuid        not null references identity_msp,
  tenant_id    uuid references identity_tenant,
  email        text        not null check (email = lower(email)),
  role         text        not null,
  token_sha256 text        not null unique,
  invited_by   text        not null,
  created_at   timestamptz not null,
  expires_at   timestamptz not null,
  accepted_at  timestamptz,
  revoked_at   timestamptz
);
create index identity_invitation_tenant on identity_invitation (tenant_id, created_at, id);
create index identity_invitation_owner on identity_invitation (owner_id, created_at, id);
alter table identity_invitation enable row level security;
alter table identity_invitation force row level security;
create policy identity_invitation_own on identity_invitation to vouch_app
  using (owner_id = (select app_owner_id()) or tenant_id = any ((select app_tenant_ids())::uuid[]))
  with check (owner_id = (select app_owner_id()) or tenant_id = any ((select app_tenant_ids())::uuid[]));
create policy identity_invitation_platform on identity_invitation to vouch_platform using (true) with check (true);
grant select, insert, update on identity_invitation to vouch_app, vouch_platform;

create table identity_password_reset (
  token_sha256 text primary key,
  member_id    uuid        not null references identity_member,
  created_at   timestamptz not null,
  expires_at   timestamptz not null,
  used_at      timestamptz
);
alter table identity_password_reset enable row level security;
alter table identity_password_reset force row level security;
create policy identity_password_reset_own on identity_password_reset to vouch_app
  using (member_id = (select app_member_id())) with check (member_id = (select app_member_id()));
create policy identity_password_reset_platform on identity_password_reset to vouch_platform using (true) with check (true);
grant select, insert, update on identity_password_reset to vouch_app, vouch_platform;

-- Mails that wait or were sent. The text is sealed, since it may carry a link that lets somebody in; once sent it is
-- forgotten. The application may only add.
create table platform_mail (
  id         uuid primary key,
  recipient  text        not null,
  subject    text        not null,
  sealed     text,
  state      text        not null default 'waiting' check (state in ('waiting', 'sent', 'failed')),
  created_at timestamptz not null,
  next_at    timestamptz not null,
  tries      integer     not null default 0,
  sent_at    timestamptz,
  error      text        not null default ''
);
create index platform_mail_waiting on platform_mail (next_at) where state = 'waiting';
grant insert on platform_mail to vouch_app;
grant select, insert, update on platform_mail to vouch_platform;

-- What the application must ask before it knows whom it serves: one session, one address, one token at a time.
drop function identity_find_session(text, timestamptz);
create function identity_find_session(wanted_token_sha256 text, at timestamptz, idle interval)
  returns table (session_id uuid, member_id uuid, email text, name text, role text, msp_id uuid, msp text, tenant_ids uuid[],
                 method text, second_factor_at timestamptz, stepped_up_at timestamptz, last_seen_at timestamptz, has_factor boolean)
  language sql stable security definer set search_path = public, pg_temp as $$
    select s.id, m.id, m.email, m.name, m.role, m.msp_id, coalesce(p.name, ''),
           case when m.tenant_id is not null then array[m.tenant_id]
                else coalesce((select array_agg(t.tenant_id order by t.name) from identity_tenant t where t.msp_id = m.msp_id), '{}') end,
           s.method, s.second_factor_at, s.stepped_up_at, coalesce(s.last_seen_at, s.created_at),
           exists (select 1 from identity_totp f where f.member_id = m.id and f.confirmed_at is not null)
             or exists (select 1 from identity_passkey k where k.member_id = m.id)
      from identity_session s
      join identity_member m on m.id = s.member_id and m.removed_at is null
      left join identity_msp p on p.id = m.msp_id
     where s.token_sha256 = wanted_token_sha256 and s.ended_at is null and s.expires_at > at
       and coalesce(s.last_seen_at, s.created_at) > at - idle
$$;
drop function identity_find_member(text);
create function identity_find_member(wanted_email text)
  returns table (id uuid, tenant_id uuid, name text, password_hash text)
  language sql stable security definer set search_path = public, pg_temp as $$
    select id, tenant_id, name, password_hash from identity_member where email = lower(wanted_email) and removed_at is null
$$;
create function identity_find_passkey(wanted_id text)
  returns table (member_id uuid)
  language sql stable security definer set search_path = public, pg_temp as $$
    select k.member_id from identity_passkey k join identity_member m on m.id = k.member_id and m.removed_at is null
     where k.id = wanted_id
$$;
create function identity_find_password_reset(wanted_token_sha256 text, at timestamptz)
  returns table (member_id uuid)
  language sql stable security definer set search_path = public, pg_temp as $$
    select r.member_id from identity_password_reset r join identity_member m on m.id = r.member_id and m.removed_at is null
     where r.token_sha256 = wanted_token_sha256 and r.used_at is null and r.expires_at > at
$$;
create function identity_find_invitation(wanted_token_sha256 text, at timestamptz)
  returns table (id uuid, owner_id uuid, msp_id uuid, tenant_id uuid, email text, role text, organisation text)
  language sql stable security definer set search_path = public, pg_temp as $$
    select i.id, i.owner_id, i.msp_id, i.tenant_id, i.email, i.role, coalesce(t.name, p.name)
      from identity_invitation i
      join identity_msp p on p.id = i.msp_id
      left join identity_tenant t on t.tenant_id = i.tenant_id
     where i.token_sha256 = wanted_token_sha256 and i.accepted_at is null and i.revoked_at is null and i.expires_at > at
$$;
-- Ends a member's sessions when somebody else removes them or changes their role. It may end, and tells nothing.
create function identity_end_sessions(of_member uuid, at timestamptz)
  returns void
  language sql security definer set search_path = public, pg_temp as $$
    update identity_session set ended_at = at where member_id = of_member and ended_at is null
$$;
do $$
declare f text;
begin
  foreach f in array array['identity_find_session(text, timestamptz, interval)', 'identity_find_member(text)',
                           'identity_find_passkey(text)', 'identity_find_password_reset(text, timestamptz)',
                           'identity_find_invitation(text, timestamptz)', 'identity_end_sessions(uuid, timestamptz)'] loop
    execute format('alter function %s owner to vouch_platform', f);
    execute format('revoke all on function %s from public', f);
    execute format('grant execute on function %s to vouch_app, vouch_platform', f);
  end loop;
end $$;
