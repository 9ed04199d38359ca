-- Planning: demand as anonymous facts. No tenant, no device, only how many machines of which kind wait for what.

create table planning_cohort (
  id       uuid primary key,
  key      text not null unique,                     -- SHA-256 of stream and roles
  stream   text not null,
  roles    jsonb not null,
  label    text not null,
  components jsonb not null default '[]'             -- packages that its machines have, for the distance to a golden
);

create table planning_demand (
  revision_id uuid    not null,
  cohort_id   uuid    not null references planning_cohort,
  packages    jsonb   not null,                      -- binary packages of the patch that these machines have installed
  devices     integer not null check (devices >= 0),
  first_at    timestamptz not null,
  untestable  text    not null default '',           -- why no lab can answer it; empty when one can
  primary key (revision_id, cohort_id)
);
create index planning_demand_cohort on planning_demand (cohort_id);

grant select on planning_cohort, planning_demand to vouch_app;
grant select, insert, update on planning_cohort, planning_demand to vouch_platform;
