-- Whether a patch can be taken back again: null where that was not tested. It is no part of the result (decision 13).
alter table lab_verdict add column reversible boolean;
alter table lab_verdict add column cautions jsonb not null default '[]';
