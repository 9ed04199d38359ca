-- Settings of single sign-on are changed only by who has read the newest.
alter table identity_single_sign_on add column version integer not null default 1;
