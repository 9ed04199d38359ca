import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  ApplyPaymentStage,
  BillingRequests,
  ClosePeriodStage,
  InvoiceStatementStage,
  MeterRunStage,
  StripeProvider,
} from '@vouch/billing';
import { registerMsp, registerTenant, type CallerContext } from '@vouch/identity';
import { idOf, shared, type Stage } from '@vouch/platform';
import { startStripeStandIn } from '../../infra/stripe-stand-in/src/server.js';
import { debPackage, Shop } from './shop.js';

const keys = { secretKey: 'sk_test_tests', webhookSecret: 'whsec_tests' };
const msp = idOf('shop', 'msp');
const otherMsp = idOf('shop', 'other-msp');
const caller = (mspId: string | null): CallerContext => ({
  kind: 'member',
  id: idOf('shop', 'member', mspId ?? 'operator'),
  name: 'Somebody',
  email: 'somebody@shop.example',
  role: mspId === null ? 'operator' : 'msp-owner',
  mspId,
  msp: '',
  tenantIds: [],
  actions: null,
  steppedUpAt: null,
  sessionId: null,
  secondFactor: 'done',
  correlationId: 'test',
  from: { address: '192.0.2.7', userAgent: 'tests' },
});
const rate = { minorPerHour: 800, fixedMinorPerTest: 23, currency: 'EUR' };

describe('I5 money, I4 truth: from lab time to a paid invoice', () => {
  let shop: Shop;
  let standIn: Awaited<ReturnType<typeof startStripeStandIn>>;
  let provider: StripeProvider;
  let requests: BillingRequests;
  let stages: Record<'metering' | 'closing' | 'invoicing' | 'payment', Stage>;
  const rows = (sql: string) => shop.database.platform.read<Record<string, unknown>>(shared, sql);
  const settle = async (...names: (keyof typeof stages)[]): Promise<void> => {
    for (const name of names) for (const key of await stages[name].pending()) await stages[name].process(key, 'test');
  };
  const askToClose = (period: string, mspId: string | null = msp) => requests.closePeriod(caller(mspId), period);
  /** A tenant of another MSP whose machine needs the patch that the shop's tenants need. */
  const foreignTenantNeedsIt = async (): Promise<string> => {
    const id = idOf('shop', 'foreign');
    await shop.database.platform.transaction(shared, async (tx) => {
      await registerMsp(tx, { id: otherMsp, name: 'other msp' });
      await registerTenant(tx, { id, mspId: otherMsp, name: 'foreign' });
      await tx.query(
        `insert into fleet_need (tenant_id, revision_id, cohort_id, devices, first_at)
         select distinct on (revision_id, cohort_id) $1::uuid, revision_id, cohort_id, 1, first_at from fleet_need`,
        [id],
      );
    });
    return id;
  };
  const meterWith = async (currency: string): Promise<void> => {
    const stage = new MeterRunStage(shop.database.platform, { ...rate, currency }, shop.clock);
    for (const key of await stage.pending()) await stage.process(key, 'test');
  };

  beforeEach(async () => {
    shop = await Shop.open();
    standIn = await startStripeStandIn({ port: 0, ...keys });
    provider = new StripeProvider({ ...keys, apiUrl: standIn.url });
    const { platform, app } = shop.database;
    requests = new BillingRequests(app, shop.clock);
    stages = {
      metering: new MeterRunStage(platform, rate, shop.clock),
      closing: new ClosePeriodStage(platform, shop.clock),
      invoicing: new InvoiceStatementStage(platform, provider, shop.clock),
      payment: new ApplyPaymentStage(platform, shop.clock),
    };
    await shop.vendorOffers(debPackage('web', '2'));
    await shop.devicesReport({ web: '1', lib: '1' });
    await shop.settle();
    await shop.labRuns();
    await shop.settle();
  });
  afterEach(async () => {
    await standIn.close();
    await shop.close();
  });

  it('splits one test over three tenants to the cent, and invoices each once, however often everything runs', async () => {
    await settle('metering', 'metering');
    await askToClose('2026-01');
    await Promise.all(['a', 'b', 'c'].map(() => stages.closing.process(`${msp}/2026-01`, 'test')));
    await settle('closing');
    // 9 lab seconds at 8.00 an hour are 2 cents, with the fixed 23: 25 over three.
    expect(await rows('select total_minor::int as n from billing_statement order by n')).toEqual([
      { n: 8 },
      { n: 8 },
      { n: 9 },
    ]);
    const [key = ''] = await stages.invoicing.pending();
    await Promise.all([1, 2, 3].map(() => stages.invoicing.process(key, 'test').catch(() => undefined)));
    await settle('invoicing');
    expect(await rows('select distinct state from billing_statement')).toEqual([{ state: 'invoiced' }]);
    expect(await rows('select count(distinct invoice_id)::int as n from billing_statement')).toEqual([{ n: 3 }]);
    expect(await rows('select distinct provider from billing_customer')).toEqual([{ provider: 'stripe-stand-in' }]);
    const audited = await rows(`select count(*)::int as n from platform_audit where action = 'statement.invoice'`);
    expect(audited).toEqual([{ n: 3 }]);
  });

  it('closing the next period bills nothing twice', async () => {
    await settle('metering');
    await askToClose('2026-01');
    await settle('closing');
    await askToClose('2026-02');
    await settle('closing');
    expect(await rows('select distinct period from billing_statement')).toEqual([{ period: '2026-01' }]);
  });

  it('a test that is done again since its verdict ends is a new cost, of those who still need it then', async () => {
    await settle('metering');
    await askToClose('2026-01');
    await settle('closing');
    const [first, ...others] = shop.tenants.map(({ id }) => id);
    await shop.devicesReport(
      { web: '2', lib: '1' },
      shop.devices.filter(({ tenantId }) => tenantId === first),
    );
    shop.now = new Date(shop.now.getTime() + 28 * 86_400_000);
    await shop.settle('planning');
    await shop.labRuns((seen) => ({
      ...seen,
      failure: { step: 'restore', blame: 'lab', code: 'lab-unavailable', message: 'It did not come up.' },
    }));
    await shop.settle('verdict');
    shop.now = new Date(shop.now.getTime() + 3_600_000);
    await shop.settle('planning');
    await shop.labRuns();
    await shop.settle('verdict');
    await settle('metering');
    // Installed before the bill comes: whoever needed it when it was tested pays all the same.
    await shop.devicesReport({ web: '2', lib: '1' });
    await askToClose('2026-02');
    await settle('closing');
    const bills = await rows(`select tenant_id, total_minor::int as n from billing_statement where period = '2026-02'`);
    expect(bills.map((bill) => bill['tenant_id']).sort()).toEqual([...others].sort());
    expect(bills.reduce((sum, bill) => sum + Number(bill['n']), 0)).toBe(25);
  });

  it('each MSP closes its own periods: the cost is split over the tenants of both, and nobody pays twice', async () => {
    const foreign = await foreignTenantNeedsIt();
    await settle('metering');
    await askToClose('2026-12');
    await settle('closing');
    expect(await rows(`select count(*)::int as n, sum(total_minor)::int <= 20 as part from billing_statement`)).toEqual(
      [{ n: 3, part: true }],
    );
    expect(await rows(`select count(*)::int as n from billing_statement where tenant_id = '${foreign}'`)).toEqual([
      { n: 0 },
    ]);
    // The other MSP's period of that name is still its own to close, and late: the shares were fixed by the first closing.
    await askToClose('2026-12', otherMsp);
    await settle('closing');
    await askToClose('2027-01');
    await askToClose('2027-01', otherMsp);
    await settle('closing');
    expect(
      await rows(`select (select sum(total_minor)::int from billing_statement) as billed,
        (select sum(amount_minor)::int from billing_cost_entry) as cost,
        (select count(*)::int from billing_statement where tenant_id = '${foreign}') as foreign_statements,
        (select count(*)::int from billing_share where statement_id is null) as open`),
    ).toEqual([{ billed: 25, cost: 25, foreign_statements: 1, open: 0 }]);
    expect(await rows('select distinct beneficiaries from billing_share')).toEqual([{ beneficiaries: 4 }]);
  });

  it('closing is audited where it is asked for, once for each MSP, with who asked and from where', async () => {
    await foreignTenantNeedsIt();
    await askToClose('2026-12', null);
    await askToClose('2026-12', null);
    await askToClose('2026-12');
    expect(
      await rows(`select detail->>'owner' as owner, actor, from_address, subject from platform_audit
        where action = 'period.close' order by 1`),
    ).toEqual(
      [msp, otherMsp].sort().map((owner) => ({
        owner,
        actor: `member:${caller(null).id}`,
        from_address: '192.0.2.7',
        subject: 'period:2026-12',
      })),
    );
  });

  it('a payment that overtakes the invoice counts, and counts once', async () => {
    await settle('metering');
    await askToClose('2026-01');
    await settle('closing');
    const [statement] = await rows('select id from billing_statement order by id limit 1');
    const event = { eventId: 'evt_1', type: 'invoice.paid', statementId: String(statement?.['id']), paid: true };
    await requests.notePayment(event, 'test');
    await requests.notePayment(event, 'test');
    await settle('payment', 'payment', 'invoicing');
    expect(await rows('select state, count(*)::int as n from billing_statement group by state order by state')).toEqual(
      [
        { state: 'invoiced', n: 2 },
        { state: 'paid', n: 1 },
      ],
    );
    expect(await rows(`select count(*)::int as n from platform_audit where action = 'statement.pay'`)).toEqual([
      { n: 1 },
    ]);
  });

  it('after the currency was changed, no statement mixes two: the new one waits for the next closing', async () => {
    await meterWith('EUR');
    shop.now = new Date(shop.now.getTime() + 1000);
    await shop.vendorOffers(debPackage('web', '3'));
    await shop.devicesReport({ web: '1', lib: '1' });
    await shop.settle();
    await shop.labRuns();
    await shop.settle();
    await meterWith('CHF');
    await askToClose('2026-01');
    await settle('closing');
    await askToClose('2026-02');
    await settle('closing');
    expect(
      await rows('select period, currency, sum(total_minor)::int as n from billing_statement group by 1, 2 order by 1'),
    ).toEqual([
      { period: '2026-01', currency: 'EUR', n: 25 },
      { period: '2026-02', currency: 'CHF', n: 25 },
    ]);
  });
});
