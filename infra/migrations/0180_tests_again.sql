-- Tests that are done again, and goldens that are remembered after they were built anew.

-- What was tested, by its content: written when a run is queued for it, and never changed.
create table lab_tested_golden (
  digest     text primary key,
  components jsonb not null,
  services   jsonb not null
);
insert into lab_tested_golden (digest, components, services)
select distinct on (g.digest) g.digest, g.components, g.services
  from lab_golden g join lab_test_run r on r.golden_digest = g.digest
 where g.state = 'ready' order by g.digest, g.reported_at desc;
grant select on lab_tested_golden to vouch_app;
grant select, insert on lab_tested_golden to vouch_platform;

-- I3: one row per (revision, golden, plan) and generation; a later generation follows a verdict that counts no more.
alter table lab_test_run
  add column generation  integer not null default 1 check (generation > 0),
  add column lab_repeats integer not null default 0,        -- repeats in a row that were the lab's fault
  add column cause       text    not null default 'demand' check (cause in ('demand', 'expired', 'operator')),
  add column driver      text    not null default 'sandbox',
  add column golden_gone boolean not null default false,    -- called off by the lab itself, planned anew when it can be
  drop constraint lab_test_run_revision_id_golden_digest_plan_digest_key,
  add unique (revision_id, golden_digest, plan_digest, generation);
update lab_test_run r set driver = g.driver from lab_golden g where g.digest = r.golden_digest;

alter table lab_verdict
  add column repeat_at timestamptz,                         -- when whoever still waits may have it tested again
  add column lacking   jsonb not null default '[]';         -- what a lab must be able to exercise to say more
update lab_verdict set repeat_at = expires_at - (expires_at - issued_at) / 10 where result = 'pass';
update lab_verdict v set repeat_at = v.issued_at + interval '10 minutes' from lab_test_run r
 where r.id = v.run_id and v.result = 'inconclusive'
   and (r.observations is null or (r.observations -> 'failure' ->> 'blame' = 'lab'
        and r.observations -> 'failure' ->> 'code' not in ('dependency-missing', 'cannot-exercise')));
create index lab_verdict_repeat on lab_verdict (repeat_at) where repeat_at is not null;

-- A test that is done again because its verdict ended is paid by those who need it from then on; null: by all who ever did.
alter table billing_cost_entry add column needed_since timestamptz;
