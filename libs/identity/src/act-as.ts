import type { Tx } from '@vouch/platform';

/** Shows this transaction what belongs to one member alone: sessions, factors, resets. */
export async function actAs(tx: Tx, memberId: string): Promise<void> {
  await tx.query(`select set_config('app.member_id', $1, true)`, [memberId]);
}
