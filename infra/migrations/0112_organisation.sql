-- The operator makes MSPs, MSPs make their tenants.

-- An MSP is visible to everybody who works for it, by what they are told; the operator makes one under its own id.
grant insert on identity_msp to vouch_app;

-- Beside the policy that asks for the tenant: a new one belongs to the MSP on whose behalf the transaction works.
create policy identity_tenant_make on identity_tenant as restrictive for insert to vouch_app
  with check (msp_id = (select app_owner_id()));
grant insert on identity_tenant to vouch_app;
