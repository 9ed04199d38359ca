import { audit, type AuditEntry, type Tx } from '@vouch/platform';

/**
 * Notes what somebody did to their own account: in the chain of their MSP, if they are its. Asked of the database, since
 * who signs in has no context yet.
 */
export async function auditMember(
  tx: Tx,
  memberId: string,
  entry: Omit<AuditEntry, 'tenantId' | 'mspId' | 'subject'>,
): Promise<void> {
  const [found] = await tx.query<{ msp_id: string | null }>('select identity_msp_of_member($1) as msp_id', [memberId]);
  audit(tx, { ...entry, tenantId: null, mspId: found?.msp_id ?? null, subject: `member:${memberId}` });
}
