import type { Invoice, InvoiceItem, State } from './state.js';

const escape = (value: string): string =>
  value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

const money = (minor: number, currency: string): string =>
  new Intl.NumberFormat('en', { style: 'currency', currency: currency.toUpperCase() }).format(minor / 100);

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem;color:#1c2430;background:#fff}
.mark{background:#fff4d6;border:1px solid #d9a400;border-radius:6px;padding:.6rem .9rem}
table{width:100%;border-collapse:collapse;margin:1rem 0}td,th{padding:.45rem .4rem;border-bottom:1px solid #d5dbe3;text-align:left}
td:last-child,th:last-child{text-align:right;white-space:nowrap}button{font:inherit;padding:.5rem 1.2rem}`;

function page(title: string, body: string): string {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${escape(title)}</title><style>${STYLE}</style>
<p class="mark"><strong>Stand-in for Stripe.</strong> This page runs on your own machine. No real money moves.</p>
<h1>${escape(title)}</h1>${body}</html>`;
}

/** The page on which a customer sees and pays an invoice. */
export function invoicePage(invoice: Invoice, items: readonly InvoiceItem[], customer: string): string {
  const rows = items
    .map(
      (item) =>
        `<tr><td>${escape(item.description ?? '')}</td><td>${escape(money(item.amount, item.currency))}</td></tr>`,
    )
    .join('');
  const action =
    invoice.status === 'open'
      ? `<form method="post" action="/invoice/${invoice.id}/pay"><button>Pay ${escape(money(invoice.total, invoice.currency))}</button></form>`
      : `<p>This invoice is <strong>${invoice.status}</strong>.</p>`;
  return page(
    `Invoice for ${customer}`,
    `<p>${escape(invoice.description ?? '')}<br><small>${invoice.id}</small></p>
<table><thead><tr><th>What for</th><th>Share</th></tr></thead><tbody>${rows}</tbody>
<tfoot><tr><th>Total</th><th>${escape(money(invoice.total, invoice.currency))}</th></tr></tfoot></table>${action}`,
  );
}

/** A customer's own billing pages: their invoices. */
export function portalPage(state: State, sessionId: string): string | null {
  const session = state.data.sessions[sessionId];
  if (!session) return null;
  const invoices = Object.values(state.data.invoices).filter(
    (i) => i.customer === session.customer && i.status !== 'draft',
  );
  const rows = invoices
    .map(
      (i) =>
        `<tr><td><a href="/invoice/${i.id}">${escape(i.description ?? i.id)}</a> (${i.status})</td><td>${escape(money(i.total, i.currency))}</td></tr>`,
    )
    .join('');
  const back = session.return_url?.match(/^https?:/)
    ? `<p><a href="${escape(session.return_url)}">Back to Vouch</a></p>`
    : '';
  return page(
    `Billing of ${state.data.customers[session.customer]?.name ?? 'customer'}`,
    `${rows ? `<table><thead><tr><th>Invoice</th><th>Total</th></tr></thead><tbody>${rows}</tbody></table>` : '<p>There is no invoice yet.</p>'}${back}`,
  );
}
