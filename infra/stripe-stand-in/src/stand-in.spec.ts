import fs from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import Stripe from 'stripe';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InvoiceMismatch, StripeProvider, WebhookRefused, type PaymentEvent } from '@vouch/billing';
import { startStripeStandIn } from './server.js';

const secretKey = 'sk_test_standin';
const webhookSecret = 'whsec_standin';
const tenant = { tenantId: '7f3e1c9a-0000-4000-8000-000000000001', name: 'Demo <Bakery>' };

describe('Stripe, through the official client, against the stand-in', () => {
  let standIn: Awaited<ReturnType<typeof startStripeStandIn>>;
  let provider: StripeProvider;
  let receiver: http.Server;
  const received: PaymentEvent[] = [];
  let refuseFirst = 0;
  let folder: string;
  let webhookUrl: string;
  const file = (): string => path.join(folder, 'state.json');
  const start = async (): Promise<void> => {
    standIn = await startStripeStandIn({ port: 0, secretKey, webhookSecret, webhookUrl, dataFile: file() });
    provider = new StripeProvider({ secretKey, webhookSecret, apiUrl: standIn.url });
  };

  beforeEach(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'vouch-stand-in-'));
    refuseFirst = 0;
    received.length = 0;
    receiver = http.createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        if (refuseFirst-- > 0) return response.writeHead(500).end();
        received.push(provider.readWebhook(Buffer.concat(chunks), String(request.headers['stripe-signature'])));
        return response.writeHead(204).end();
      });
    });
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    webhookUrl = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
    await start();
  });
  afterEach(async () => {
    await standIn.close();
    receiver.closeAllConnections();
    await new Promise((resolve) => receiver.close(resolve));
    fs.rmSync(folder, { recursive: true });
  });

  const request = (customerId: string) => ({
    statementId: 's-1',
    customerId,
    period: '2026-01',
    currency: 'EUR',
    lines: [
      { id: 'l-1', amountMinor: 12, description: 'nginx' },
      { id: 'l-2', amountMinor: 30, description: 'openssl' },
    ],
  });
  const client = () => new Stripe(secretKey, { host: '127.0.0.1', port: new URL(standIn.url).port, protocol: 'http' });

  it('bills a statement once, however often it is asked to', async () => {
    const customer = await provider.ensureCustomer(tenant);
    expect(await provider.ensureCustomer(tenant)).toBe(customer);
    const first = await provider.invoice(request(customer));
    expect(await provider.invoice(request(customer))).toEqual(first);
    const invoices = await client().invoices.list({ customer });
    expect(invoices.data.map((i) => [i.status, i.total, i.livemode])).toEqual([['open', 42, false]]);
  });

  it('finishes an invoice whose maker died after the first line', async () => {
    const customer = await provider.ensureCustomer(tenant);
    const stripe = client();
    const draft = await stripe.invoices.create({ customer, currency: 'eur', metadata: { vouch_statement_id: 's-1' } });
    await stripe.invoiceItems.create({
      customer,
      invoice: draft.id,
      amount: 12,
      currency: 'eur',
      metadata: { vouch_line_id: 'l-1' },
    });
    const { invoiceId } = await provider.invoice(request(customer));
    expect(invoiceId).toBe(draft.id);
    expect((await stripe.invoices.retrieve(invoiceId)).total).toBe(42);
  });

  it('bills once even when the retry comes after the provider forgot the idempotency keys and the tenant was renamed', async () => {
    const customer = await provider.ensureCustomer(tenant);
    const first = await provider.invoice(request(customer));
    await standIn.close();
    const remembered = JSON.parse(fs.readFileSync(file(), 'utf8')) as object;
    fs.writeFileSync(file(), JSON.stringify({ ...remembered, answers: {} }));
    await start();
    const again = await provider.ensureCustomer({ ...tenant, name: 'Renamed' });
    expect(again).toBe(customer);
    expect((await provider.invoice(request(again))).invoiceId).toBe(first.invoiceId);
    expect((await client().invoices.list()).data).toHaveLength(1);
  });

  it('sends no invoice that adds up to something else than the statement', async () => {
    const customer = await provider.ensureCustomer(tenant);
    const stripe = client();
    const draft = await stripe.invoices.create({ customer, currency: 'eur', metadata: { vouch_statement_id: 's-1' } });
    await stripe.invoiceItems.create({ customer, invoice: draft.id, amount: 500, currency: 'eur' });
    await expect(provider.invoice(request(customer))).rejects.toThrow(InvoiceMismatch);
    expect((await stripe.invoices.retrieve(draft.id)).status).toBe('draft');
  });

  it('reports a payment after it was restarted, when nobody took the report before', async () => {
    const customer = await provider.ensureCustomer(tenant);
    refuseFirst = Number.POSITIVE_INFINITY;
    const { url } = await provider.invoice(request(customer));
    await fetch(`${url}/pay`, { method: 'POST' });
    await standIn.close();
    refuseFirst = 0;
    expect(received).toEqual([]);
    await start();
    await expect.poll(() => received.filter((e) => e.paid), { timeout: 10_000 }).toHaveLength(1);
    const undelivered = (): object => (JSON.parse(fs.readFileSync(file(), 'utf8')) as { events: object }).events;
    await expect.poll(undelivered, { timeout: 10_000 }).toEqual({});
  });

  it('keeps the books of the stand-in, of test mode and of live mode apart', () => {
    const names = ['sk_test_a', 'rk_test_a', 'sk_live_a', 'rk_live_a'].map(
      (key) => new StripeProvider({ secretKey: key, webhookSecret }).name,
    );
    expect([provider.name, ...names]).toEqual([
      'stripe-stand-in',
      'stripe-test',
      'stripe-test',
      'stripe-live',
      'stripe-live',
    ]);
  });

  it('answers a repeated key alike and refuses it for another body', async () => {
    const stripe = client();
    const options = { idempotencyKey: 'k' };
    const one = await stripe.customers.create({ name: 'a' }, options);
    expect((await stripe.customers.create({ name: 'a' }, options)).id).toBe(one.id);
    await expect(stripe.customers.create({ name: 'b' }, options)).rejects.toThrow('idempotent requests');
  });

  it('refuses a wrong key', async () => {
    const wrong = new StripeProvider({ secretKey: 'sk_test_other', webhookSecret, apiUrl: standIn.url });
    await expect(wrong.ensureCustomer(tenant)).rejects.toThrow('Invalid API Key');
  });

  it('shows an invoice, marked as a stand-in, takes the payment and says so by a signed webhook, again after a failure', async () => {
    refuseFirst = 1;
    const customer = await provider.ensureCustomer(tenant);
    const { url } = await provider.invoice(request(customer));
    const shown = await (await fetch(url)).text();
    expect(shown).toContain('No real money');
    expect(shown).toContain('Demo &lt;Bakery&gt;');
    expect(shown).toContain('€0.42');
    await fetch(`${url}/pay`, { method: 'POST' });
    await expect.poll(() => received.filter((e) => e.paid), { timeout: 10_000 }).toHaveLength(1);
    expect(received.find((e) => e.paid)?.statementId).toBe('s-1');
    await expect.poll(() => received.map((e) => e.type), { timeout: 10_000 }).toContain('invoice.finalized');
    const portal = await (await fetch(await provider.portalLink(customer, 'http://127.0.0.1/'))).text();
    expect(portal).toContain('(paid)');
  });

  it('does not believe an unsigned webhook', () => {
    expect(() => provider.readWebhook(Buffer.from('{}'), 't=1,v1=00')).toThrow(WebhookRefused);
  });
});
