-- Profiles that operators add, beside those that come with the product.
alter table lab_profile add column origin text not null default 'built-in' check (origin in ('built-in', 'added'));
alter table lab_profile add column source text;             -- as it was written; null for built-in ones
alter table lab_profile add column withdrawn_at timestamptz;
create index lab_profile_name on lab_profile (name) where active;

-- What a profile says is named by its digest and never changes.
grant insert on lab_profile to vouch_app;
grant update (active, wanted_at, withdrawn_at) on lab_profile to vouch_app;
