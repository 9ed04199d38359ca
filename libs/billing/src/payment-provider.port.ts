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

/** Collects the money for closed statements. Every call may be repeated after a crash and does its work once. */
export interface PaymentProvider {
  readonly name: string;
  /** @returns the provider's id of the tenant's customer, the same each time */
  ensureCustomer(tenant: { readonly tenantId: string; readonly name: string }): Promise<string>;
  /** Makes one finalised invoice of a statement. */
  invoice(request: InvoiceRequest): Promise<Invoice>;
  /** A short-lived link to the customer's own billing pages. */
  portalLink(customerId: string, returnUrl: string): Promise<string>;
  /** @throws WebhookRefused */
  readWebhook(body: Buffer, signature: string): PaymentEvent;
}
