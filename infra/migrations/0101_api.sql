-- What the HTTP API itself keeps, and what its lists need.

-- One row for each Idempotency-Key of a caller, for a day. The answer is sealed, since some answers hold a secret that
-- is shown once.
create table api_idempotency (
  caller         text        not null,               -- kind and id
  key_sha256     text        not null,
  request_sha256 text        not null,
  state          text        not null check (state in ('claimed', 'applied', 'answered')),
  claim          uuid        not null,               -- of the request that works on it
  claimed_until  timestamptz not null,
  answer         text,
  expires_at     timestamptz not null,
  primary key (caller, key_sha256)
);
create index api_idempotency_expired on api_idempotency (expires_at);
grant select, insert, update, delete on api_idempotency to vouch_app;

alter table fleet_enrolment_token add column id uuid not null default gen_random_uuid();
alter table fleet_enrolment_token add column created_at timestamptz not null default now();
alter table fleet_enrolment_token add column revoked_at timestamptz;
create unique index fleet_enrolment_token_id on fleet_enrolment_token (tenant_id, id);
