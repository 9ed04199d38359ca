export interface InvoiceRequest {
  readonly statementId: string;
  readonly customerId: string;
  readonly period: string;
  /** ISO 4217. */
  readonly currency: string;
  /** Minor units; each line is one cost entry's share. */
  readonly lines: readonly { readonly id: string; readonly amountMinor: number; readonly description: string }[];
}

export interface Invoice {
  readonly invoiceId: string;
  /** Where the customer can see and pay it. */
  readonly url: string;
}

/** What a verified webhook of the provider says about a statement of ours. */
export interface PaymentEvent {
  readonly eventId: string;
  readonly type: string;
  readonly statementId: string | null;
  readonly paid: boolean;
}

/** A webhook that the provider did not sign, or whose signature is too old. */
export class WebhookRefused extends Error {
  readonly code = 'webhook-refused';
  constructor(detail: string) {
    super(`The webhook is not signed by the payment provider: ${detail}`);
  }
}

/** A draft at the provider that does not add up to the statement that it stands for. It stays a draft. */
export class InvoiceMismatch extends Error {
  readonly code = 'invoice-mismatch';
  constructor(statementId: string, invoiceId: string, expectedMinor: number, foundMinor: number) {
    super(
      `Draft invoice ${invoiceId} of statement ${statementId} adds up to ${foundMinor} minor units instead of ` +
        `${expectedMinor}, so it was not sent. Correct the draft at the payment provider; it is then tried again.`,
    );
  }
}

/** Collects the money for closed statements. Every call may be repeated after a crash and does its work once. */
export interface PaymentProvider {
  /** Names the provider's books that customers and invoices stand in: an id of one means nothing in another. */
  readonly name: string;
  /** @returns the provider's id of the tenant's customer, the same each time */
  ensureCustomer(tenant: { readonly tenantId: string; readonly name: string }): Promise<string>;
  /**
   * Makes one finalised invoice of a statement.
   * @throws InvoiceMismatch
   */
  invoice(request: InvoiceRequest): Promise<Invoice>;
  /** A short-lived link to the customer's own billing pages. */
  portalLink(customerId: string, returnUrl: string): Promise<string>;
  /** @throws WebhookRefused */
  readWebhook(body: Buffer, signature: string): PaymentEvent;
}
