import { AlreadyOrdered, ChangePolicy, Orders, PolicyChanged, VerdictExpired } from '@vouch/approval';
import type { CallerContext } from '@vouch/identity';
import { idOf, newId, shared } from '@vouch/platform';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { debPackage, RULES, Shop } from './shop.js';

const DAY_MS = 86_400_000;

describe('what people order about approvals', () => {
  let shop: Shop;
  let boss: CallerContext;
  let orders: Orders;
  let policies: ChangePolicy;

  const rows = (sql: string, parameters: unknown[] = []) => shop.database.platform.read(shared, sql, parameters);
  const offered = async (ring: number): Promise<string[]> => {
    const all = await Promise.all(shop.ring(ring).map((device) => shop.offeredTo(device)));
    expect(new Set(all.map(String)).size).toBe(1);
    return all[0] ?? [];
  };
  const later = async (ms = 1000): Promise<void> => {
    shop.now = new Date(shop.now.getTime() + ms);
    await shop.settle();
  };
  const revision = (): Promise<string> => shop.revision('web', '2');
  const verdict = async (): Promise<string> => String((await rows('select id from lab_verdict'))[0]?.['id']);
  const reason = async (): Promise<string> =>
    String((await rows('select reason from approval_decision'))[0]?.['reason']);
  const fails = (seen: Parameters<NonNullable<Parameters<Shop['labRuns']>[0]>>[0]) => ({
    ...seen,
    steps: seen.steps.map((step) => ({
      ...step,
      probes: step.step === 'probe-after-apply' ? step.probes.map((probe) => ({ ...probe, ok: false })) : step.probes,
    })),
  });
  const ringZeroIsWell = async (): Promise<void> => {
    for (const device of shop.ring(0)) await shop.report(device, await revision(), 'installed');
    await shop.settle();
  };

  beforeEach(async () => {
    shop = await Shop.open();
    orders = new Orders(shop.database.app, shop.clock);
    policies = new ChangePolicy(shop.database.app, shop.clock);
    boss = {
      kind: 'member',
      id: newId(),
      name: 'Boss',
      email: 'boss@example.org',
      role: 'msp-owner',
      mspId: idOf('shop', 'msp'),
      msp: 'msp',
      tenantIds: shop.tenants.map(({ id }) => id),
      actions: null,
      steppedUpAt: shop.now,
      sessionId: newId(),
      secondFactor: 'done',
      correlationId: 'test',
      from: { address: '127.0.0.1', userAgent: 'tests' },
    } as CallerContext;
    await shop.vendorOffers(debPackage('web', '2'));
    await shop.devicesReport({ web: '1', lib: '1' });
    await shop.settle();
  });
  afterEach(() => shop.close());

  it('a hold takes a patch from every machine that has not got it, and the rollout goes on where it was', async () => {
    await shop.labRuns();
    await shop.settle();
    await ringZeroIsWell();
    expect(await offered(1)).toEqual(['web 2']);

    const hold = await orders.hold(boss, { revisionId: await revision(), why: 'It breaks the till' });
    await later();
    expect([await offered(0), await offered(1)]).toEqual([[], []]);
    expect(await reason()).toBe('Held by Boss: It breaks the till');
    expect(await rows(`select distinct state from rollout_ring order by 1`)).toEqual([
      { state: 'healthy' },
      { state: 'open' },
    ]);
    await expect(orders.hold(boss, { revisionId: await revision(), why: 'again' })).rejects.toBeInstanceOf(
      AlreadyOrdered,
    );

    expect(await orders.end(boss, 'hold', hold ?? '')).toBe(true);
    expect(await orders.end(boss, 'hold', hold ?? '')).toBe(false);
    await later();
    expect([await offered(0), await offered(1)]).toEqual([['web 2'], ['web 2']]);
  });

  it('a hold before the test keeps a patch from being approved when it passes', async () => {
    await orders.hold(boss, { revisionId: await revision(), why: 'Not on a Friday' });
    await shop.labRuns();
    await later();
    expect(await offered(0)).toEqual([]);
    expect(await orders.hold(boss, { revisionId: newId(), why: 'nothing' })).toBeNull();
  });

  it('I1: a waiver offers what failed, ring by ring, under its own name, until it ends; another one may follow', async () => {
    await shop.labRuns(fails);
    await later();
    expect(await offered(0)).toEqual([]);
    const wish = { verdictId: await verdict(), why: 'That check is ours', days: 30 };
    const waiver = await orders.waive(boss, wish);
    await later();
    expect([await offered(0), await offered(1)]).toEqual([['web 2'], []]);
    expect(await reason()).toMatch(/^Approved by Boss all the same: That check is ours \(/);
    const [device] = shop.ring(0);
    const manifest = device && (await shop.manifests.of(device));
    const { entries } = JSON.parse(Buffer.from(manifest?.envelope.payload ?? '', 'base64').toString()) as {
      entries: { waiver?: { why: string } }[];
    };
    expect(entries[0]?.waiver?.why).toBe('That check is ours');

    await orders.end(boss, 'waiver', waiver ?? '');
    await later();
    expect(await offered(0)).toEqual([]);
    await orders.waive(boss, wish);
    await later();
    expect(await offered(0)).toEqual(['web 2']);
  });

  it('I1: a waiver runs out by itself, and is not for the next bytes of the same name', async () => {
    await shop.labRuns(fails);
    await later();
    await orders.waive(boss, { verdictId: await verdict(), why: 'For a day', days: 1 });
    await later();
    expect(await offered(0)).toEqual(['web 2']);
    await later(DAY_MS + 1000);
    expect(await offered(0)).toEqual([]);

    await orders.waive(boss, { verdictId: await verdict(), why: 'And another', days: 1 });
    await later();
    expect(await offered(0)).toEqual(['web 2']);
    await shop.vendorOffers(debPackage('web', '2', 'other bytes'));
    await shop.stages.demand.process('all', 'test');
    await later();
    expect(await offered(0)).toEqual([]);
  });

  it('a verdict that does not count any more cannot be waived, nor one that there is not', async () => {
    await shop.labRuns(fails);
    await shop.settle();
    const old = await verdict();
    shop.now = new Date(shop.now.getTime() + 31 * DAY_MS);
    await expect(orders.waive(boss, { verdictId: old, why: 'x', days: 1 })).rejects.toBeInstanceOf(VerdictExpired);
    expect(await orders.waive(boss, { verdictId: newId(), why: 'x', days: 1 })).toBeNull();
  });

  it('other rules decide anew: what no longer would be approved is not offered, and comes back with the rules', async () => {
    await shop.labRuns();
    await shop.settle();
    expect(await offered(0)).toEqual(['web 2']);
    const strict = { ...RULES, minimumCoverage: 1 };
    await expect(policies.change(boss, shop.policyId, 7, { rules: strict, why: 'x' })).rejects.toBeInstanceOf(
      PolicyChanged,
    );
    shop.now = new Date(shop.now.getTime() + 1000);
    expect(await policies.change(boss, shop.policyId, 1, { rules: strict, why: 'To be sure' })).toBe(true);
    await later();
    expect(await offered(0)).toEqual([]);
    expect(await reason()).toMatch(/the policy wants 100 %/);
    expect(await policies.change(boss, shop.policyId, 2, { rules: RULES, why: 'Too strict' })).toBe(true);
    await later();
    expect(await offered(0)).toEqual(['web 2']);
    expect(await rows('select version, why from approval_policy_version order by version')).toEqual([
      { version: 1, why: 'As it was made' },
      { version: 2, why: 'To be sure' },
      { version: 3, why: 'Too strict' },
    ]);
  });

  it('an MSP orders nothing for another, whatever it names', async () => {
    await shop.labRuns(fails);
    await shop.settle();
    const stranger = { ...boss, mspId: idOf('another msp'), tenantIds: [] };
    await shop.database.platform.transaction(shared, (tx) =>
      tx.query(`insert into identity_msp (id, name) values ($1, 'another')`, [stranger.mspId]),
    );
    await orders.waive(stranger, { verdictId: await verdict(), why: 'for us alone', days: 30 });
    expect(await policies.change(stranger, shop.policyId, 1, { rules: RULES, why: 'x' })).toBe(false);
    const hold = await orders.hold(boss, { revisionId: await revision(), why: 'x' });
    expect(await orders.end(stranger, 'hold', hold ?? '')).toBe(false);
    await orders.end(boss, 'hold', hold ?? '');
    await later();
    expect(await offered(0)).toEqual([]);
  });
});
