-- Which lab environments are built: those that waiting machines resemble, not all that are declared.

alter table lab_profile add column wanted_at timestamptz;
-- What was built before stays wanted.
update lab_profile set wanted_at = created_at where active;

create table planning_environment (
  cohort_id      uuid        not null references planning_cohort,
  profile_digest text        not null references lab_profile,
  fit            real        not null,
  chosen_at      timestamptz not null,
  primary key (cohort_id, profile_digest)
);
grant select on planning_environment to vouch_app;
grant select, insert on planning_environment to vouch_platform;
