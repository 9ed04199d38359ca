-- Operators see the newest verdicts beside the queue, and can have a test done again.
create index lab_verdict_newest on lab_verdict (issued_at desc);
