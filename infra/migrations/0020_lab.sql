-- Lab: profiles, goldens, test runs, verdicts and their evidence. Shared by all tenants; holds no tenant's data.

create table lab_profile (
  digest     text primary key,
  name       text        not null,
  title      text        not null,
  stream     text        not null,
  definition jsonb       not null,
  active     boolean     not null default true,
  created_at timestamptz not null default now()
);

create table lab_runner (
  id          uuid primary key,                      -- from its credential: one runner for each
  name        text        not null,
  state       text        not null check (state in ('ready', 'preparing', 'unavailable')),
  reason      text        not null default '',
  drivers     jsonb       not null,
  last_seen_at timestamptz not null
);

create table lab_golden (
  profile_digest text        not null references lab_profile,
  runner_id      uuid        not null references lab_runner,
  digest         text,
  state          text        not null check (state in ('building', 'ready', 'failed')),
  reason         text        not null default '',
  components     jsonb       not null default '[]',
  services       jsonb       not null default '[]',
  reported_at    timestamptz not null,
  primary key (profile_digest, runner_id)
);

-- I3: one row per (revision, golden, plan); a second demand finds the first.
create table lab_test_run (
  id             uuid primary key,
  revision_id    uuid        not null,
  profile_digest text        not null references lab_profile,
  golden_digest  text        not null,
  plan_digest    text        not null,
  plan           jsonb       not null,
  state          text        not null default 'queued'
                 check (state in ('queued', 'leased', 'running', 'reported', 'judged', 'cancelled')),
  priority       integer     not null default 0,
  attempt        integer     not null default 0,
  runner_id      uuid references lab_runner,
  lease_until    timestamptz,
  correlation_id text        not null,
  queued_at      timestamptz not null default now(),
  started_at     timestamptz,
  finished_at    timestamptz,
  observations   jsonb,
  evidence       jsonb       not null default '[]',
  unique (revision_id, golden_digest, plan_digest)
);
create index lab_test_run_queue on lab_test_run (priority desc, queued_at) where state = 'queued';
create index lab_test_run_open on lab_test_run (state) where state in ('leased', 'running', 'reported');

create table lab_test_run_artefact (
  run_id       uuid not null references lab_test_run,
  package      text not null,
  version      text not null,
  architecture text not null,
  file_name    text not null,
  size_bytes   bigint not null,
  sha256       text not null,
  primary key (run_id, package, architecture)
);

create table lab_test_step (
  run_id      uuid        not null references lab_test_run,
  attempt     integer     not null,
  step        text        not null,
  started_at  timestamptz not null,
  observation jsonb,
  primary key (run_id, attempt, step)
);

create table lab_verdict (
  id               uuid primary key,
  run_id           uuid        not null unique references lab_test_run,
  revision_id      uuid        not null,
  golden_digest    text        not null,
  result           text        not null check (result in ('pass', 'fail', 'inconclusive')),
  sentence         text        not null,
  reasons          jsonb       not null,
  covered          jsonb       not null,
  not_covered      jsonb       not null,
  statement_sha256 text        not null,
  key_id           text        not null,
  envelope         jsonb       not null,
  issued_at        timestamptz not null,
  expires_at       timestamptz not null
);
create index lab_verdict_revision on lab_verdict (revision_id);

grant select on lab_profile, lab_runner, lab_golden, lab_test_run, lab_test_run_artefact, lab_test_step, lab_verdict to vouch_app;
grant insert, update on lab_runner, lab_golden, lab_test_step to vouch_app;
grant update on lab_test_run to vouch_app;
grant select, insert, update on lab_profile, lab_runner, lab_golden, lab_test_run, lab_test_run_artefact, lab_test_step, lab_verdict
  to vouch_platform;
