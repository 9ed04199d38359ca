-- People: an operator above the MSPs, readers beside technicians, and how a session began.

alter table identity_member drop constraint identity_member_role_check, drop constraint identity_member_check;
alter table identity_member
  alter column msp_id drop not null,
  alter column password_hash drop not null,            -- who signs in elsewhere has none here
  add column removed_at timestamptz,
  add check (role in ('operator', 'msp-owner', 'technician', 'msp-reader', 'tenant-owner', 'tenant-viewer')),
  add check ((role = 'operator') = (msp_id is null)),
  add check ((role in ('tenant-owner', 'tenant-viewer')) = (tenant_id is not null));

alter table identity_session
  add column id               uuid not null default gen_random_uuid() unique,  -- what lists name it by; the secret is not in it
  add column method           text not null default 'password' check (method in ('password', 'passkey', 'single-sign-on')),
  add column second_factor_at timestamptz,
  add column stepped_up_at    timestamptz,
  add column last_seen_at     timestamptz,
  add column address          text not null default '',
  add column user_agent       text not null default '';
