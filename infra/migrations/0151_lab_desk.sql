-- A run that somebody called off, and why.
alter table lab_test_run add column cancelled_why text not null default '';
grant update (cancelled_why) on lab_test_run to vouch_app;
