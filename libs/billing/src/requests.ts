import { actFor, actorOf, ownerOf, type CallerContext } from '@vouch/identity';
import type { PaymentEvent } from './payment-provider.port.js';
import { audit, publish, shared, type Clock, type Database } from '@vouch/platform';

/** What the application role may ask of billing: it notes the wish, and the platform's own jobs do the work. */
export class BillingRequests {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** Asks for a period of the caller's MSP to be closed; the operator asks for all MSPs. Asking twice changes nothing. */
  async closePeriod(caller: CallerContext, period: string): Promise<void> {
    for (const mspId of await this.mspsOf(caller)) await this.closeOne(caller, mspId, period);
  }

  private async mspsOf(caller: CallerContext): Promise<string[]> {
    if (caller.role !== 'operator') return [ownerOf(caller, 'statement:close')];
    const msps = await this.database.read<{ id: string }>(shared, 'select id from identity_msp order by id');
    return msps.map(({ id }) => id);
  }

  private async closeOne(caller: CallerContext, mspId: string, period: string): Promise<void> {
    await this.database.transaction(shared, async (tx) => {
      await actFor(tx, mspId);
      const now = this.clock();
      const asked = await tx.query(
        `insert into billing_period (msp_id, name, requested_by, requested_at) values ($1, $2, $3, $4)
         on conflict do nothing returning name`,
        [mspId, period, actorOf(caller), now],
      );
      if (asked.length === 0) return;
      audit(tx, {
        tenantId: null,
        mspId,
        at: now,
        actor: actorOf(caller),
        action: 'period.close',
        subject: `period:${period}`,
        why: 'Asked for',
        from: caller.from,
        detail: { owner: mspId },
      });
      await publish(tx, {
        topic: 'billing.close-requested',
        payload: { mspId, period },
        correlationId: caller.correlationId,
      });
    });
  }

  async notePayment(event: PaymentEvent, correlationId: string): Promise<void> {
    await this.database.transaction(shared, async (tx) => {
      const first = await tx.query(
        `insert into billing_webhook_event (event_id, type, statement_id, paid, received_at) values ($1, $2, $3, $4, $5)
         on conflict do nothing returning event_id`,
        [event.eventId, event.type, event.statementId, event.paid, this.clock()],
      );
      if (first.length === 0) return;
      await publish(tx, { topic: 'billing.payment-reported', payload: { eventId: event.eventId }, correlationId });
    });
  }
}
