-- Whose evidence is this? Asked by content address before it is shown.
create index lab_test_run_evidence on lab_test_run using gin (evidence jsonb_path_ops);
