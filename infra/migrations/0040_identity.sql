-- Identity: MSPs, tenants, members, sessions, credentials of machines that belong to the platform.

create table identity_msp (
  id         uuid primary key,
  name       text        not null unique,
  created_at timestamptz not null default now()
);

create table identity_tenant (
  tenant_id  uuid primary key,
  msp_id     uuid        not null references identity_msp,
  name       text        not null,
  created_at timestamptz not null default now(),
  unique (msp_id, name)
);
alter table identity_tenant enable row level security;
alter table identity_tenant force row level security;
create policy identity_tenant_own on identity_tenant to vouch_app
  using (tenant_id = any ((select app_tenant_ids())::uuid[]));
create policy identity_tenant_platform on identity_tenant to vouch_platform using (true) with check (true);

-- A member belongs to an MSP (technician, sees its tenants) or to one tenant (owner, viewer).
create table identity_member (
  id            uuid primary key,
  msp_id        uuid        not null references identity_msp,
  tenant_id     uuid references identity_tenant,
  email         text        not null unique check (email = lower(email)),
  name          text        not null,
  role          text        not null check (role in ('msp-owner', 'technician', 'tenant-owner', 'tenant-viewer')),
  password_hash text        not null,
  created_at    timestamptz not null default now(),
  check ((role in ('msp-owner', 'technician')) = (tenant_id is null))
);
create index identity_member_tenant on identity_member (tenant_id);
alter table identity_member enable row level security;
alter table identity_member force row level security;
create policy identity_member_own on identity_member for select to vouch_app
  using (tenant_id = any ((select app_tenant_ids())::uuid[]));
create policy identity_member_platform on identity_member to vouch_platform using (true) with check (true);

create table identity_session (
  token_sha256 text primary key,
  member_id    uuid        not null references identity_member,
  created_at   timestamptz not null,
  expires_at   timestamptz not null,
  ended_at     timestamptz
);

-- Credentials of lab-runners: random, kept as SHA-256.
create table identity_machine_credential (
  secret_sha256 text primary key,
  kind          text        not null check (kind in ('lab-runner')),
  name          text        not null,
  created_at    timestamptz not null default now(),
  revoked_at    timestamptz
);

-- The two questions that the application must ask before it knows which tenant it serves. They answer for one
-- e-mail address or one session only, so the application cannot list members.
create function identity_find_member(wanted_email text)
  returns table (id uuid, password_hash text)
  language sql stable security definer set search_path = public, pg_temp as $$
    select id, password_hash from identity_member where email = lower(wanted_email)
$$;
create function identity_find_session(wanted_token_sha256 text, at timestamptz)
  returns table (member_id uuid, email text, name text, role text, msp_id uuid, msp text, tenant_ids uuid[])
  language sql stable security definer set search_path = public, pg_temp as $$
    select m.id, m.email, m.name, m.role, m.msp_id, p.name,
           case when m.tenant_id is null
                then coalesce((select array_agg(t.tenant_id order by t.name) from identity_tenant t where t.msp_id = m.msp_id), '{}')
                else array[m.tenant_id] end
      from identity_session s
      join identity_member m on m.id = s.member_id
      join identity_msp p on p.id = m.msp_id
     where s.token_sha256 = wanted_token_sha256 and s.ended_at is null and s.expires_at > at
$$;
grant select on identity_msp, identity_tenant, identity_member, identity_session, identity_machine_credential to vouch_platform;
alter function identity_find_member(text) owner to vouch_platform;
alter function identity_find_session(text, timestamptz) owner to vouch_platform;
revoke all on function identity_find_member(text), identity_find_session(text, timestamptz) from public;
grant execute on function identity_find_member(text), identity_find_session(text, timestamptz) to vouch_app, vouch_platform;

grant select on identity_msp, identity_tenant, identity_machine_credential to vouch_app;
grant insert, update on identity_session to vouch_app;
grant select (token_sha256) on identity_session to vouch_app;
grant insert, update on identity_msp, identity_tenant, identity_member, identity_session, identity_machine_credential to vouch_platform;
