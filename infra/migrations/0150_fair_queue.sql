-- Whose turn it is in the queue of test runs. Origins are pseudonyms of those who want a run: neither the lab nor the planner
-- can tell whose they are.

alter table planning_demand add column origins uuid[] not null default '{}';

alter table lab_test_run add column origins uuid[] not null default '{}';
alter table lab_test_run add column urgency smallint not null default 0 check (urgency between 0 and 2);
drop index lab_test_run_queue;
create index lab_test_run_queue on lab_test_run (urgency desc, priority desc, queued_at) where state = 'queued';

create table lab_queue (
  only_row boolean primary key default true check (only_row),
  now      double precision not null
);
insert into lab_queue (now) values (0);

create table lab_queue_turn (
  origin text primary key,
  next   double precision not null
);

grant select, update on lab_queue to vouch_app;
grant select, insert, update, delete on lab_queue_turn to vouch_app;

-- Patches for holes that somebody is known to use, as the operator has heard.
create table catalog_exploited (
  patch_id uuid        primary key references catalog_patch,
  note     text        not null,
  since    timestamptz not null,
  by       text        not null
);
grant select, insert, update, delete on catalog_exploited to vouch_app;
grant select on catalog_exploited to vouch_platform;
