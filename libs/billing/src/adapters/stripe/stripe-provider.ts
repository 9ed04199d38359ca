import Stripe from 'stripe';
import {
  InvoiceMismatch,
  WebhookRefused,
  type Invoice,
  type InvoiceRequest,
  type PaymentEvent,
  type PaymentProvider,
} from '../../payment-provider.port.js';

export interface StripeSettings {
  readonly secretKey: string;
  readonly webhookSecret: string;
  /** Only for the local stand-in; Stripe's own address when absent. */
  readonly apiUrl?: string;
}

const DAYS_UNTIL_DUE = 14;

/**
 * Stripe. Every write carries an idempotency key made from our own ids; since Stripe forgets keys after a day, what an
 * earlier try left behind is also looked for by its metadata before anything is made.
 */
export class StripeProvider implements PaymentProvider {
  readonly name: string;
  private readonly stripe: Stripe;

  constructor(private readonly settings: StripeSettings) {
    this.name = bookOf(settings);
    this.stripe = new Stripe(settings.secretKey, {
      ...addressOf(settings.apiUrl),
      maxNetworkRetries: 2,
      telemetry: false,
    });
  }

  async ensureCustomer({ tenantId, name }: { tenantId: string; name: string }): Promise<string> {
    // Stripe's search lags by a minute or so; the idempotency key covers that time, the search what comes after it.
    const known = await this.stripe.customers.search({ query: `metadata['vouch_tenant_id']:'${tenantId}'`, limit: 1 });
    if (known.data[0]) return known.data[0].id;
    const customer = await this.stripe.customers.create(
      { name, metadata: { vouch_tenant_id: tenantId } },
      { idempotencyKey: `customer-${tenantId}` },
    );
    return customer.id;
  }

  async invoice(request: InvoiceRequest): Promise<Invoice> {
    const known = await this.findInvoice(request);
    const draft = known ?? (await this.createDraft(request));
    if (draft.status !== 'draft') return asInvoice(draft);
    await this.addLines(request, draft.id);
    await this.checkTotal(request, draft.id);
    const finalised = await this.stripe.invoices.finalizeInvoice(
      draft.id,
      { auto_advance: false },
      { idempotencyKey: `finalize-${request.statementId}` },
    );
    return asInvoice(finalised);
  }

  async portalLink(customerId: string, returnUrl: string): Promise<string> {
    const session = await this.stripe.billingPortal.sessions.create({ customer: customerId, return_url: returnUrl });
    return session.url;
  }

  readWebhook(body: Buffer, signature: string): PaymentEvent {
    let event: Stripe.Event;
    try {
      event = this.stripe.webhooks.constructEvent(body, signature, this.settings.webhookSecret);
    } catch (error) {
      throw new WebhookRefused(error instanceof Error ? error.message : 'no reason given');
    }
    const object = event.data.object as { object?: string; metadata?: Record<string, string> | null };
    const statementId = object.object === 'invoice' ? (object.metadata?.['vouch_statement_id'] ?? null) : null;
    return { eventId: event.id, type: event.type, statementId, paid: event.type === 'invoice.paid' };
  }

  private async findInvoice({ customerId, statementId }: InvoiceRequest): Promise<Stripe.Invoice | undefined> {
    for await (const invoice of this.stripe.invoices.list({ customer: customerId, limit: 100 })) {
      if (invoice.metadata?.['vouch_statement_id'] === statementId) return invoice;
    }
    return undefined;
  }

  private createDraft({ customerId, statementId, period, currency }: InvoiceRequest): Promise<Stripe.Invoice> {
    return this.stripe.invoices.create(
      {
        customer: customerId,
        currency: currency.toLowerCase(),
        collection_method: 'send_invoice',
        days_until_due: DAYS_UNTIL_DUE,
        auto_advance: false,
        pending_invoice_items_behavior: 'exclude',
        description: `Patch tests, ${period}`,
        metadata: { vouch_statement_id: statementId, vouch_period: period },
      },
      { idempotencyKey: `invoice-${statementId}` },
    );
  }

  private async addLines(
    { customerId, statementId, currency, lines }: InvoiceRequest,
    invoiceId: string,
  ): Promise<void> {
    const there = new Set<string>();
    for await (const item of this.stripe.invoiceItems.list({ invoice: invoiceId, limit: 100 })) {
      const line = item.metadata?.['vouch_line_id'];
      if (line !== undefined) there.add(line);
    }
    for (const line of lines.filter(({ id }) => !there.has(id))) {
      await this.stripe.invoiceItems.create(
        {
          customer: customerId,
          invoice: invoiceId,
          amount: line.amountMinor,
          currency: currency.toLowerCase(),
          description: line.description,
          metadata: { vouch_line_id: line.id, vouch_statement_id: statementId },
        },
        { idempotencyKey: `item-${statementId}-${line.id}` },
      );
    }
  }

  /** A draft can be edited by hand in Stripe's dashboard; what we finalise is what our ledger says, or nothing. */
  private async checkTotal({ statementId, lines }: InvoiceRequest, invoiceId: string): Promise<void> {
    const { total } = await this.stripe.invoices.retrieve(invoiceId);
    const expected = lines.reduce((sum, line) => sum + line.amountMinor, 0);
    if (total !== expected) throw new InvoiceMismatch(statementId, invoiceId, expected, total);
  }
}

/** Stripe's stand-in, its test mode and its live mode know nothing of each other's customers. */
function bookOf({ apiUrl, secretKey }: StripeSettings): string {
  if (apiUrl !== undefined) return 'stripe-stand-in';
  return /^[a-z]+_live_/.test(secretKey) ? 'stripe-live' : 'stripe-test';
}

function asInvoice(invoice: Stripe.Invoice): Invoice {
  return { invoiceId: invoice.id, url: invoice.hosted_invoice_url ?? '' };
}

function addressOf(apiUrl: string | undefined): Stripe.StripeConfig {
  if (apiUrl === undefined) return {};
  const { protocol, hostname, port } = new URL(apiUrl);
  return { protocol: protocol === 'http:' ? 'http' : 'https', host: hostname, port };
}
