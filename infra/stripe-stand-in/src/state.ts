import { randomBytes } from 'node:crypto';
import fs from 'node:fs';

export interface Customer {
  id: string;
  object: 'customer';
  name: string | null;
  metadata: Record<string, string>;
  livemode: false;
  created: number;
}

export interface InvoiceItem {
  id: string;
  object: 'invoiceitem';
  customer: string;
  invoice: string | null;
  amount: number;
  currency: string;
  description: string | null;
  metadata: Record<string, string>;
  livemode: false;
  date: number;
}

export interface Invoice {
  id: string;
  object: 'invoice';
  customer: string;
  currency: string;
  description: string | null;
  status: 'draft' | 'open' | 'paid';
  total: number;
  amount_due: number;
  amount_paid: number;
  hosted_invoice_url: string | null;
  metadata: Record<string, string>;
  livemode: false;
  created: number;
}

export interface PortalSession {
  id: string;
  object: 'billing_portal.session';
  customer: string;
  return_url: string | null;
  url: string;
  livemode: false;
  created: number;
}

interface RememberedAnswer {
  readonly request: string;
  readonly status: number;
  readonly body: unknown;
}

/** An event that its receiver has not taken yet. */
export interface PendingEvent {
  readonly id: string;
  readonly created: number;
  readonly body: string;
}

interface Data {
  customers: Record<string, Customer>;
  items: Record<string, InvoiceItem>;
  invoices: Record<string, Invoice>;
  sessions: Record<string, PortalSession>;
  answers: Record<string, RememberedAnswer>;
  events: Record<string, PendingEvent>;
}

export const newId = (prefix: string): string => `${prefix}_${randomBytes(12).toString('hex')}`;

/** What the stand-in remembers: written to a file in one step after each change, so that a kill loses nothing. */
export class State {
  readonly data: Data = { customers: {}, items: {}, invoices: {}, sessions: {}, answers: {}, events: {} };

  constructor(private readonly file: string | undefined) {
    if (file !== undefined && fs.existsSync(file)) Object.assign(this.data, JSON.parse(fs.readFileSync(file, 'utf8')));
  }

  save(): void {
    if (this.file === undefined) return;
    const temporary = `${this.file}.part`;
    fs.writeFileSync(temporary, JSON.stringify(this.data));
    fs.renameSync(temporary, this.file);
  }

  itemsOf(invoiceId: string): InvoiceItem[] {
    return Object.values(this.data.items).filter((item) => item.invoice === invoiceId);
  }
}
