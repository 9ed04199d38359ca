import { actorOf, type CallerContext } from '@vouch/identity';
import type { PaymentEvent } from './payment-provider.port.js';
import { publish, shared, type Clock, type Database } from '@vouch/platform';

/** What the application role may ask of billing: it notes the wish, and the platform's own jobs do the work. */
export class BillingRequests {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** Asks for a period to be closed. Asking twice changes nothing. */
  async closePeriod(context: CallerContext, period: string): Promise<void> {
    await this.database.transaction(shared, async (tx) => {
      await tx.query(
        'insert into billing_period (name, requested_by, requested_at) values ($1, $2, $3) on conflict do nothing',
        [period, actorOf(context), this.clock()],
      );
      await publish(tx, {
        topic: 'billing.close-requested',
        payload: { period },
        correlationId: context.correlationId,
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
