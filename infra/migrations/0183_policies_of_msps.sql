-- Row-level security for what belongs to an MSP and to no single tenant: its policies, and what follows from them. Seen by
-- who acts for the MSP, and by the tenants for which a policy decides. What has a policy has its owner.
do $$
declare
  t text;
begin
  foreach t in array array['approval_policy', 'approval_policy_version', 'approval_channel', 'approval_decision',
                           'approval_approval', 'rollout_ring'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy %I on %I to vouch_platform using (true) with check (true)', t || '_platform', t);
  end loop;
  foreach t in array array['approval_channel', 'approval_decision', 'rollout_ring'] loop
    execute format('create policy %I on %I for select to vouch_app using (policy_id in (select id from approval_policy))',
                   t || '_own', t);
  end loop;
end $$;
-- Tenants' own rows say which policies decide for them; those rows are under row-level security, too.
create policy approval_policy_own on approval_policy for select to vouch_app
  using (msp_id = (select app_owner_id()) or id in (select policy_id from approval_tenant_policy));
create policy approval_approval_own on approval_approval for select to vouch_app
  using (channel_id in (select id from approval_channel));

-- References that cannot cross MSPs: an invitation to a tenant is its MSP's, and an identity of a provider is that of a member of the
-- MSP whose provider it is.
alter table identity_invitation add foreign key (tenant_id, msp_id) references identity_tenant (tenant_id, msp_id);
alter table identity_member add unique (id, msp_id);
alter table identity_subject add foreign key (member_id, msp_id) references identity_member (id, msp_id);
