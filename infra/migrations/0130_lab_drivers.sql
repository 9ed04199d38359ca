-- A runner may have several drivers, each with goldens of its own. Some goldens are built only when a patch wants them.

alter table lab_golden add column driver text not null default 'sandbox';
alter table lab_golden drop constraint lab_golden_pkey;
alter table lab_golden add primary key (profile_digest, runner_id, driver);

create table lab_wanted_golden (
  profile_digest text        not null references lab_profile,
  driver         text        not null,
  first_at       timestamptz not null default now(),
  primary key (profile_digest, driver)
);

-- Why a patch is untestable: true when no golden's driver can exercise it, so that another environment would not help.
alter table planning_demand add column needs_driver boolean not null default false;

grant select on lab_wanted_golden to vouch_app;
grant select, insert on lab_wanted_golden to vouch_platform;
