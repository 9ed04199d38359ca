import { audit, publish, shared, type Clock, type Database, type Stage } from '@vouch/platform';

interface EventRow {
  statement_id: string | null;
  paid: boolean;
}

/** Applies the payment provider's events, each once, in whatever order they came. Key: the event's id. */
export class ApplyPaymentStage implements Stage {
  readonly name = 'payment';
  readonly concurrency = 1;
  readonly wakes = {
    'billing.payment-reported': (payload: Readonly<Record<string, unknown>>) => String(payload['eventId']),
  } as const;

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  async pending(): Promise<string[]> {
    const rows = await this.database.read<{ event_id: string }>(
      shared,
      'select event_id from billing_webhook_event where applied_at is null order by received_at limit 500',
    );
    return rows.map((row) => row.event_id);
  }

  async process(eventId: string, correlationId: string): Promise<void> {
    await this.database.transaction(shared, async (tx) => {
      const [event] = await tx.query<EventRow>(
        'update billing_webhook_event set applied_at = $2 where event_id = $1 and applied_at is null returning statement_id, paid',
        [eventId, this.clock()],
      );
      if (!event?.paid || event.statement_id === null) return;
      // The news of the payment may overtake our own note that the invoice was made: then the note makes it `paid`.
      const [statement] = await tx.query<{ tenant_id: string }>(
        `update billing_statement set paid_at = $2, state = case state when 'invoiced' then 'paid' else state end
          where id = $1 and paid_at is null returning tenant_id`,
        [event.statement_id, this.clock()],
      );
      if (!statement) return;
      audit(tx, {
        tenantId: statement.tenant_id,
        at: this.clock(),
        actor: 'payment-provider',
        action: 'statement.pay',
        subject: `statement:${event.statement_id}`,
        why: 'The provider says that the invoice was paid',
        detail: { eventId },
      });
      await publish(tx, {
        topic: 'billing.statement-changed',
        payload: { tenantId: statement.tenant_id, statementId: event.statement_id },
        correlationId,
      });
    });
  }
}
