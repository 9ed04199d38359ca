import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RunObservations } from '@vouch/contracts';
import { CancelRun } from '@vouch/lab';
import { shared } from '@vouch/platform';
import { debPackage, Shop } from './shop.js';

describe('a test is done again', () => {
  let shop: Shop;
  const rows = (sql: string, parameters: unknown[] = []) => shop.database.platform.read(shared, sql, parameters);
  const count = async (sql: string): Promise<number> =>
    Number((await rows(`select count(*)::int as n from ${sql}`))[0]?.['n']);

  beforeEach(async () => {
    shop = await Shop.open();
    await shop.vendorOffers(debPackage('web', '2'));
    await shop.devicesReport({ web: '1', lib: '1' });
  });
  afterEach(() => shop.close());

  const later = (days: number): void => void (shop.now = new Date(shop.now.getTime() + days * 86_400_000));
  const generations = () => rows('select generation, lab_repeats, cause, state from lab_test_run order by generation');
  const blameLab = (code: 'lab-unavailable' | 'dependency-missing') => (seen: RunObservations) => ({
    ...seen,
    failure: { step: 'restore' as const, blame: 'lab' as const, code, message: 'It did not come up.' },
  });

  it('before its verdict ends, once for all who plan it at once, and what was offered stays offered', async () => {
    await shop.settle();
    await shop.labRuns();
    await shop.settle();
    later(26);
    expect(await shop.stages.planning.pending()).toEqual([]);
    later(2);
    const revision = await shop.revision('web', '2');
    expect(await shop.stages.planning.pending()).toEqual([revision]);
    await Promise.all(Array.from({ length: 5 }, () => shop.stages.planning.process(revision, 'test')));
    expect(await generations()).toEqual([
      { generation: 1, lab_repeats: 0, cause: 'demand', state: 'judged' },
      { generation: 2, lab_repeats: 0, cause: 'expired', state: 'queued' },
    ]);
    expect(await shop.stages.planning.pending()).toEqual([]);
    await shop.labRuns();
    await shop.settle();
    later(10);
    await shop.settle();
    expect(await rows('select outcome from approval_decision')).toEqual([{ outcome: 'approved' }]);
    for (const device of shop.ring(0)) expect(await shop.offeredTo(device)).toEqual(['web 2']);
    const [approval] = await rows('select expires_at from approval_approval limit 1');
    expect((approval?.['expires_at'] as Date).getTime()).toBeGreaterThan(shop.now.getTime());
  });

  it('after it ended: until then the reason is said, and then it is offered again', async () => {
    await shop.settle();
    await shop.labRuns();
    await shop.settle();
    later(31);
    await shop.settle();
    expect(await rows('select outcome, reason from approval_decision')).toEqual([
      { outcome: 'waiting', reason: 'The test is too old and has to be repeated.' },
    ]);
    later(1);
    await shop.labRuns();
    await shop.settle();
    expect(await rows('select outcome from approval_decision')).toEqual([{ outcome: 'approved' }]);
    expect(await shop.offeredTo(shop.ring(0)[0]!)).toEqual(['web 2']);
  });

  it('when an operator asks, once, and then its newer verdict counts', async () => {
    await shop.settle();
    const failed = await shop.labRuns((seen) => ({
      ...seen,
      failure: { step: 'apply', blame: 'patch', code: 'apply-failed', message: 'It did not install.' },
    }));
    await shop.settle();
    later(1);
    const asker = { actor: 'operator', correlationId: 'test' };
    expect(await new CancelRun(shop.database.app, shop.clock).repeat(failed, asker)).toBe(true);
    await shop.settle();
    expect(await generations()).toMatchObject([
      { state: 'judged' },
      { generation: 2, cause: 'operator', state: 'queued' },
    ]);
    await shop.labRuns();
    await shop.settle();
    expect(await rows('select outcome from approval_decision')).toEqual([{ outcome: 'approved' }]);
    expect(await count('lab_test_run')).toBe(2);
  });

  it('not when nobody waits for it any more', async () => {
    await shop.settle();
    await shop.labRuns();
    await shop.settle();
    await shop.devicesReport({ web: '2', lib: '1' });
    later(31);
    await shop.settle();
    expect(await count('lab_test_run')).toBe(1);
  });

  it('when the lab was to blame, ever later, and not for ever', async () => {
    await shop.settle();
    const waits: number[] = [];
    for (let run = 1; run <= 6; run += 1) {
      await shop.labRuns(blameLab('lab-unavailable'));
      await shop.settle();
      let minutes = 0;
      for (; minutes < 10_000 && (await shop.stages.planning.pending()).length === 0; minutes += minutes || 5)
        shop.now = new Date(shop.now.getTime() + (minutes || 5) * 60_000);
      waits.push(minutes);
      await shop.settle();
    }
    expect(waits).toEqual([10, 40, 160, 640, 2560, 10_240]);
    expect(await count('lab_test_run')).toBe(6);
    expect(await count('billing_cost_entry')).toBe(0);
  });

  it('not when the same would be found again: what a lab lacks, or a patch that fails', async () => {
    await shop.settle();
    await shop.labRuns(blameLab('dependency-missing'));
    await shop.settle();
    later(40);
    await shop.settle();
    expect(await generations()).toMatchObject([{ generation: 1, state: 'judged' }]);
  });
});
