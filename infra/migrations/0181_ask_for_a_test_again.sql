-- An operator asks for a judged test to be done again; the planner does it, and the operator's own request costs nobody anything.
alter table lab_test_run add column repeat_asked_at timestamptz;
grant update (repeat_asked_at) on lab_test_run to vouch_app;
create index lab_test_run_asked on lab_test_run (revision_id) where repeat_asked_at is not null;
