import { metadata, text, type Form } from './form.js';
import { newId, type Invoice, type State } from './state.js';

/** An error as the provider words it. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly type: 'invalid_request_error' | 'idempotency_error' | 'authentication_error',
    message: string,
    readonly code?: string,
  ) {
    super(message);
  }
}

export type Notify = (type: string, object: unknown) => void;

const seconds = (): number => Math.floor(Date.now() / 1000);
const missing = (what: string, id: string): ApiError =>
  new ApiError(404, 'invalid_request_error', `No such ${what}: '${id}'`, 'resource_missing');

/** The subset of the provider's API that we use, by method and path. Amounts are integers in minor units. */
export class Api {
  constructor(
    private readonly state: State,
    private readonly publicUrl: string,
    private readonly notify: Notify,
  ) {}

  handle(method: string, path: string, query: URLSearchParams, form: Form): unknown {
    const [, resource = '', id = '', action = ''] = /^\/v1\/([\w/]+?)(?:\/(\w+_\w+))?(?:\/(\w+))?$/.exec(path) ?? [];
    const route = `${method} ${resource}${id ? '/:id' : ''}${action ? `/${action}` : ''}`;
    switch (route) {
      case 'POST customers':
        return this.createCustomer(form);
      case 'GET customers/search':
        return this.searchCustomers(path, query.get('query') ?? '');
      case 'GET customers/:id':
        return this.state.data.customers[id] ?? fail(missing('customer', id));
      case 'POST invoices':
        return this.createInvoice(form);
      case 'GET invoices':
        return list(
          path,
          Object.values(this.state.data.invoices).filter((i) => i.customer === (query.get('customer') ?? i.customer)),
        );
      case 'GET invoices/:id':
        return this.invoice(id);
      case 'POST invoices/:id/finalize':
        return this.finalize(id);
      case 'POST invoiceitems':
        return this.createItem(form);
      case 'GET invoiceitems':
        return list(
          path,
          Object.values(this.state.data.items).filter((i) => i.invoice === (query.get('invoice') ?? i.invoice)),
        );
      case 'POST billing_portal/sessions':
        return this.createSession(form);
      default:
        throw new ApiError(
          404,
          'invalid_request_error',
          `Unrecognized request URL (${method}: ${path}). The stand-in knows only what Vouch uses.`,
        );
    }
  }

  pay(invoiceId: string): Invoice {
    const invoice = this.invoice(invoiceId);
    if (invoice.status !== 'open') return invoice;
    Object.assign(invoice, { status: 'paid', amount_paid: invoice.total, amount_due: 0 });
    this.notify('invoice.paid', invoice);
    return invoice;
  }

  private invoice(id: string): Invoice {
    return this.state.data.invoices[id] ?? fail(missing('invoice', id));
  }

  private createCustomer(form: Form): unknown {
    const id = newId('cus');
    return (this.state.data.customers[id] = {
      id,
      object: 'customer',
      name: text(form['name']) ?? null,
      metadata: metadata(form['metadata']),
      livemode: false,
      created: seconds(),
    });
  }

  /** Knows one form of the provider's query language: `metadata['key']:'value'`. */
  private searchCustomers(path: string, query: string): unknown {
    const [, key, value] = /^metadata\['(\w+)'\]:'([^']*)'$/.exec(query) ?? [];
    if (key === undefined) throw new ApiError(400, 'invalid_request_error', `The stand-in cannot search for: ${query}`);
    const found = Object.values(this.state.data.customers).filter((customer) => customer.metadata[key] === value);
    return { object: 'search_result', url: path, has_more: false, next_page: null, data: found };
  }

  private createInvoice(form: Form): unknown {
    const id = newId('in');
    return (this.state.data.invoices[id] = {
      id,
      object: 'invoice',
      customer: this.knownCustomer(form),
      currency: text(form['currency']) ?? 'eur',
      description: text(form['description']) ?? null,
      status: 'draft',
      total: 0,
      amount_due: 0,
      amount_paid: 0,
      hosted_invoice_url: null,
      metadata: metadata(form['metadata']),
      livemode: false,
      created: seconds(),
    });
  }

  private createItem(form: Form): unknown {
    const amount = Number(text(form['amount']));
    if (!Number.isSafeInteger(amount))
      throw new ApiError(400, 'invalid_request_error', 'Invalid integer: amount', 'parameter_invalid_integer');
    const invoiceId = text(form['invoice']) ?? null;
    if (invoiceId !== null) {
      const invoice = this.invoice(invoiceId);
      if (invoice.status !== 'draft')
        throw new ApiError(400, 'invalid_request_error', 'This invoice is no longer editable', 'invoice_not_editable');
      invoice.total += amount;
      invoice.amount_due += amount;
    }
    const id = newId('ii');
    return (this.state.data.items[id] = {
      id,
      object: 'invoiceitem',
      customer: this.knownCustomer(form),
      invoice: invoiceId,
      amount,
      currency: text(form['currency']) ?? 'eur',
      description: text(form['description']) ?? null,
      metadata: metadata(form['metadata']),
      livemode: false,
      date: seconds(),
    });
  }

  private finalize(id: string): unknown {
    const invoice = this.invoice(id);
    if (invoice.status !== 'draft') {
      throw new ApiError(400, 'invalid_request_error', 'This invoice is already finalized', 'invoice_not_editable');
    }
    Object.assign(invoice, { status: 'open', hosted_invoice_url: `${this.publicUrl}/invoice/${id}` });
    this.notify('invoice.finalized', invoice);
    return invoice;
  }

  private createSession(form: Form): unknown {
    const id = newId('bps');
    return (this.state.data.sessions[id] = {
      id,
      object: 'billing_portal.session',
      customer: this.knownCustomer(form),
      return_url: text(form['return_url']) ?? null,
      url: `${this.publicUrl}/portal/${id}`,
      livemode: false,
      created: seconds(),
    });
  }

  private knownCustomer(form: Form): string {
    const id = text(form['customer']) ?? '';
    return this.state.data.customers[id] ? id : fail(missing('customer', id));
  }
}

const list = (url: string, data: unknown[]): unknown => ({ object: 'list', url, has_more: false, data });

function fail(error: ApiError): never {
  throw error;
}
