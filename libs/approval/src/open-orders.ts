import type { Tx } from '@vouch/platform';

/** An order of an MSP that holds. */
export interface OrderRow {
  readonly id: string;
  readonly msp_id: string;
  readonly kind: 'hold' | 'waiver';
  readonly verdict_id: string | null;
  readonly name: string;
  readonly why: string;
}

/** All orders about a revision that hold now. */
export async function loadOrders(tx: Tx, revisionId: string, now: Date): Promise<OrderRow[]> {
  return tx.query<OrderRow>(
    `select id, msp_id, kind, verdict_id, name, why from approval_order
      where revision_id = $1 and ended_at is null and (until is null or until > $2)`,
    [revisionId, now],
  );
}

/** Those of one MSP: a waiver is for one verdict, and no word about another one. */
export function openOrdersOf(
  orders: readonly OrderRow[],
  mspId: string,
  verdictId: string | undefined,
): { readonly hold?: OrderRow; readonly waiver?: OrderRow } {
  const own = orders.filter((order) => order.msp_id === mspId);
  const hold = own.find(({ kind }) => kind === 'hold');
  const waiver = own.find((order) => order.kind === 'waiver' && order.verdict_id === verdictId);
  return { ...(hold === undefined ? {} : { hold }), ...(waiver === undefined ? {} : { waiver }) };
}
