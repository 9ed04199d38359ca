-- By which rule the odd units of a split were given out: rule 1 drew with the name of the period, rule 2 with the first cost alone.
alter table billing_share add column odd_unit_rule integer not null default 1 check (odd_unit_rule in (1, 2));
alter table billing_share alter column odd_unit_rule set default 2;
