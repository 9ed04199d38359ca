-- Credentials of lab-runners end by time or by command, and say when they were used.
alter table identity_machine_credential add column expires_at timestamptz, add column last_used_at timestamptz;
grant update (last_used_at) on identity_machine_credential to vouch_app;
