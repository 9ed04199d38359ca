-- A billing period is an MSP's own. A test's cost is split over all who needed it when the first of their MSPs closes a
-- period; each share waits, on no statement yet, until its own MSP closes one.
alter table billing_period add column msp_id uuid references identity_msp;
alter table billing_period drop constraint billing_period_pkey;

-- A period that was closed so far was closed for every MSP.
insert into billing_period (msp_id, name, requested_by, requested_at, closed_at, statements)
  select m.id, p.name, p.requested_by, p.requested_at, p.closed_at,
         case when p.closed_at is null then p.statements
              else (select count(*) from billing_statement s join identity_tenant t on t.tenant_id = s.tenant_id
                     where t.msp_id = m.id and s.period = p.name) end
    from billing_period p cross join identity_msp m where p.msp_id is null;
delete from billing_period where msp_id is null;
alter table billing_period alter column msp_id set not null, add primary key (msp_id, name);
create index billing_period_open on billing_period (requested_at) where closed_at is null;

alter table billing_period enable row level security;
alter table billing_period force row level security;
create policy billing_period_own on billing_period to vouch_app
  using (msp_id = (select app_owner_id())) with check (msp_id = (select app_owner_id()));
create policy billing_period_platform on billing_period to vouch_platform using (true) with check (true);

alter table billing_share alter column statement_id drop not null;
create index billing_share_open on billing_share (tenant_id) where statement_id is null;
