import { PolicyRules } from '@vouch/contracts';
import { audit, type Tx } from '@vouch/platform';

export interface NewPolicy {
  readonly id: string;
  readonly mspId: string;
  readonly name: string;
  readonly rules: PolicyRules;
}

/** Makes a policy, once. Needs the platform role. */
export async function registerPolicy(tx: Tx, policy: NewPolicy, at: Date): Promise<void> {
  const made = await tx.query(
    'insert into approval_policy (id, msp_id, name, rules) values ($1, $2, $3, $4) on conflict (id) do nothing returning id',
    [policy.id, policy.mspId, policy.name, JSON.stringify(PolicyRules.parse(policy.rules))],
  );
  if (made.length === 0) return;
  await tx.query(
    `insert into approval_policy_version (policy_id, version, rules, changed_at, changed_by, why)
     select id, version, rules, $2, 'platform', 'As it was made' from approval_policy where id = $1`,
    [policy.id, at],
  );
  const subject = `policy:${policy.id}`;
  audit(tx, {
    tenantId: null,
    mspId: policy.mspId,
    at,
    actor: 'platform',
    action: 'policy.create',
    subject,
    why: policy.name,
    detail: { ...policy.rules },
  });
}

/** Lets a policy of its MSP decide for a tenant. */
export async function adoptPolicy(tx: Tx, tenantId: string, policyId: string, at: Date): Promise<void> {
  const adopted = await tx.query(
    `insert into approval_tenant_policy (tenant_id, msp_id, policy_id)
     values ($1, (select msp_id from approval_policy where id = $2), $2)
     on conflict (tenant_id) do update set policy_id = excluded.policy_id
      where approval_tenant_policy.policy_id <> excluded.policy_id returning tenant_id`,
    [tenantId, policyId],
  );
  if (adopted.length === 0) return;
  audit(tx, {
    tenantId,
    at,
    actor: 'platform',
    action: 'policy.adopt',
    subject: `policy:${policyId}`,
    why: 'The tenant subscribes under it',
  });
}
