-- What the machine of a test run prints while it is tested, for people who watch: the last pieces only, and gone when the
-- run ends. What counts is in the evidence.
create table lab_run_output (
  run_id  uuid not null references lab_test_run on delete cascade,
  attempt int  not null,
  number  int  not null,
  step    text not null,
  text    text not null,
  primary key (run_id, attempt, number)
);
grant select, insert, delete on lab_run_output to vouch_app;
grant select, insert, delete on lab_run_output to vouch_platform;
