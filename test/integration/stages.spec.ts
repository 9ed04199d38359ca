import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RevokeDevice, type DeviceContext } from '@vouch/fleet';
import { LeaseLost } from '@vouch/lab';
import { firstBrokenAuditEntry, shared } from '@vouch/platform';
import { OutcomeNotOffered } from '@vouch/rollout';
import { debPackage, Shop } from './shop.js';

describe('the stages of the main job', () => {
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

  it('I3: three tenants that need a patch cause one run, also when its demand is planned ten times at once', async () => {
    const revision = await shop.revision('web', '2');
    await Promise.all(Array.from({ length: 10 }, () => shop.stages.planning.process(revision, 'test')));
    expect(await count('lab_test_run')).toBe(1);
    expect(await count('fleet_need where devices = 2')).toBe(3);
  });

  it('offers a passed patch to ring 0, and to ring 1 when ring 0 is well', async () => {
    await shop.settle();
    await shop.labRuns();
    await shop.settle();
    for (const device of shop.ring(0)) expect(await shop.offeredTo(device)).toEqual(['web 2']);
    for (const device of shop.ring(1)) expect(await shop.offeredTo(device)).toEqual([]);

    const revision = await shop.revision('web', '2');
    for (const device of shop.ring(0).slice(1)) await shop.report(device, revision, 'installed');
    await shop.settle();
    for (const device of shop.ring(1)) expect(await shop.offeredTo(device)).toEqual([]);

    for (const device of shop.ring(0)) await shop.report(device, revision, 'installed');
    await shop.settle();
    for (const device of shop.ring(1)) expect(await shop.offeredTo(device)).toEqual(['web 2']);
    expect(await shop.database.platform.transaction(shared, firstBrokenAuditEntry)).toBeNull();
  });

  it.each([
    ['whose service is not well afterwards', 'installed', false],
    ['that cannot install it', 'failed', true],
    ['that finds other bytes', 'refused', true],
  ] as const)('one machine of ring 0 %s stops it for everybody', async (_what, result, healthy) => {
    await shop.settle();
    await shop.labRuns();
    await shop.settle();
    const revision = await shop.revision('web', '2');
    const [first, ...others] = shop.ring(0);
    if (first) await shop.report(first, revision, result, healthy);
    for (const device of others) await shop.report(device, revision, 'installed');
    await shop.settle();
    for (const device of shop.devices) expect(await shop.offeredTo(device)).toEqual([]);
    const [ring] = await rows(`select state, reason from rollout_ring where ring = 1`);
    expect(ring).toEqual({ state: 'halted', reason: 'Ring 0: 1 of 3 machines did not take the patch well.' });
  });

  it('I7: a failed or inconclusive test approves nothing, and the reason is kept', async () => {
    await shop.settle();
    await shop.labRuns((seen) => ({
      ...seen,
      steps: seen.steps.map((step) =>
        step.step === 'probe-after-apply'
          ? { ...step, probes: step.probes.map((probe) => ({ ...probe, ok: false, detail: 'no answer' })) }
          : step,
      ),
    }));
    await shop.settle();
    const [decision] = await rows('select outcome, reason from approval_decision');
    expect(decision?.['outcome']).toBe('refused');
    expect(String(decision?.['reason'])).toMatch(/web/);
    expect(await count('approval_approval')).toBe(0);

    await shop.vendorOffers(debPackage('web', '3'));
    await shop.stages.demand.process('all', 'test');
    await shop.settle();
    await shop.labRuns((seen) => ({
      ...seen,
      failure: {
        step: 'baseline',
        blame: 'lab',
        code: 'baseline-red',
        message: 'web does not answer before the patch',
      },
    }));
    await shop.settle();
    expect(await rows(`select result from lab_verdict order by issued_at, result`)).toContainEqual({
      result: 'inconclusive',
    });
    expect(await count('approval_approval')).toBe(0);
  });

  it('I7: nothing is approved while the source cannot be trusted, and it is when it can be again', async () => {
    const source = (state: string) =>
      shop.database.platform.transaction(shared, (tx) =>
        tx.query(`update catalog_source set state = $1, reason = 'It expired.', last_verified_at = $2`, [
          state,
          shop.now,
        ]),
      );
    await source('stale');
    await shop.settle();
    await shop.labRuns();
    await shop.settle();
    expect(await rows('select outcome, reason from approval_decision')).toEqual([
      { outcome: 'waiting', reason: 'Its source cannot be trusted now: It expired.' },
    ]);
    expect(await count('approval_approval')).toBe(0);
    shop.now = new Date(shop.now.getTime() + 1000);
    await source('ok');
    await shop.settle();
    expect(await shop.offeredTo(shop.ring(0)[0]!)).toEqual(['web 2']);
  });

  it('a verdict whose key was revoked counts no more, and what it approved is taken back', async () => {
    await shop.settle();
    await shop.labRuns();
    await shop.settle();
    expect(await shop.offeredTo(shop.ring(0)[0]!)).toEqual(['web 2']);
    shop.believedVerdictKeys.splice(0);
    await shop.settle();
    expect(await rows('select outcome, reason from approval_decision')).toEqual([
      {
        outcome: 'refused',
        reason: 'The key that signed its verdict was revoked: nothing that it signed is believed.',
      },
    ]);
    expect(await shop.offeredTo(shop.ring(0)[0]!)).toEqual([]);
  });

  it('I2: other bytes under the same version are a new revision; the approval of the old does not carry over', async () => {
    await shop.settle();
    await shop.labRuns();
    await shop.settle();
    expect(await shop.offeredTo(shop.ring(0)[0]!)).toEqual(['web 2']);
    shop.now = new Date(shop.now.getTime() + 1000);
    await shop.vendorOffers(debPackage('web', '2', 'other bytes'));
    await shop.settle();
    for (const device of shop.devices) expect(await shop.offeredTo(device)).toEqual([]);
    expect(await count(`catalog_revision where state = 'replaced'`)).toBe(1);
    expect(await count(`catalog_revision where state = 'offered' and version = '2'`)).toBe(1);
  });

  it('a patch that the vendor pulls is held at once; one that a newer version follows is not', async () => {
    await shop.settle();
    await shop.labRuns();
    await shop.settle();
    await shop.vendorOffers(debPackage('web', '3'));
    await shop.settle();
    expect(await shop.offeredTo(shop.ring(0)[0]!)).toEqual(['web 2']);
    await shop.vendorOffers();
    await shop.settle();
    for (const device of shop.devices) expect(await shop.offeredTo(device)).toEqual([]);
  });

  it('a run whose lease is lost goes back to the queue, the late runner is turned away, and five losses are inconclusive', async () => {
    await shop.settle();
    const first = await shop.queue.claim(shop.runnerId);
    shop.now = new Date(shop.now.getTime() + 11_000);
    expect(await shop.queue.recoverLostLeases()).toBe(1);
    await expect(shop.queue.heartbeat(shop.runnerId, first?.runId ?? '', 1)).rejects.toThrow(LeaseLost);
    for (let attempt = 2; attempt <= 5; attempt += 1) {
      expect((await shop.queue.claim(shop.runnerId))?.attempt).toBe(attempt);
      shop.now = new Date(shop.now.getTime() + 11_000);
      await shop.queue.recoverLostLeases();
    }
    await shop.settle();
    expect(await rows('select result from lab_verdict')).toEqual([{ result: 'inconclusive' }]);
    expect(await count('billing_cost_entry')).toBe(0);
  });

  it('a machine cannot report on what its ring was not offered', async () => {
    await shop.settle();
    await shop.labRuns();
    await shop.settle();
    const revision = await shop.revision('web', '2');
    await expect(shop.report(shop.ring(1)[0]!, revision, 'installed')).rejects.toThrow(OutcomeNotOffered);
  });

  it('says why a patch waits that no lab has installed', async () => {
    await shop.vendorOffers(debPackage('web', '2'), debPackage('exotic', '2'));
    await shop.devicesReport({ web: '1', lib: '1', exotic: '1' });
    await shop.settle();
    const [demand] = await rows(`select untestable from planning_demand where packages = '["exotic"]'`);
    expect(demand?.['untestable']).toBe('No lab environment that resembles these machines has exotic installed.');
  });

  it('a revoked machine is no more in the demand, and its ring does not wait for it', async () => {
    const devices = async (): Promise<unknown> =>
      shop.database.platform.read(shared, 'select sum(devices)::int as n from fleet_need');
    expect(await devices()).toEqual([{ n: 6 }]);
    const [lost] = shop.ring(0);
    const caller = {
      tenantIds: [lost?.tenantId],
      kind: 'member',
      id: 'x',
      from: { address: '', userAgent: '' },
      correlationId: 'test',
    };
    const revoked = await new RevokeDevice(shop.database.app, shop.clock).revoke(caller as never, lost?.deviceId ?? '');
    expect(revoked).toBe(true);
    expect(shop.stages.demand.wakes['fleet.device-revoked']?.({})).toBe('all');
    await shop.stages.demand.process('all', 'test');
    expect(await devices()).toEqual([{ n: 5 }]);
    await shop.settle();
    await shop.labRuns();
    await shop.settle();
    const revision = await shop.revision('web', '2');
    for (const device of shop.ring(0).slice(1)) await shop.report(device, revision, 'installed');
    await shop.settle();
    expect(await shop.offeredTo(shop.ring(1)[0] as DeviceContext)).toEqual(['web 2']);
  });

  it('settling again changes nothing: every stage is idempotent', async () => {
    await shop.settle();
    await shop.labRuns();
    await shop.settle();
    const state = () =>
      rows(`select (select count(*) from platform_audit) as audit, (select count(*) from lab_verdict) as verdicts,
      (select count(*) from approval_approval) as approvals, (select sum(version) from approval_channel) as versions`);
    const before = await state();
    const revision = await shop.revision('web', '2');
    const [run] = await rows('select id from lab_test_run');
    for (const [name, key] of [
      ['planning', revision],
      ['verdict', String(run?.['id'])],
      ['approval', revision],
      ['rollout', revision],
    ] as const) {
      await shop.stages[name].process(key, 'test');
    }
    expect(await state()).toEqual(before);
  });

  describe('what was tested stays known', () => {
    const GOLDEN = 'f'.repeat(64);
    const NEXT = 'e'.repeat(64);
    const later = (days: number): void => void (shop.now = new Date(shop.now.getTime() + days * 86_400_000));
    const outcomes = () => rows('select outcome from approval_decision');

    it('when its golden is built anew: decisions are the same, also when they are made again', async () => {
      await shop.settle();
      await shop.labRuns();
      await shop.settle();
      later(1);
      await shop.labHas(null);
      await shop.stages.approval.process(await shop.revision('web', '2'), 'test');
      expect(await outcomes()).toEqual([{ outcome: 'approved' }]);
      await shop.labHas(NEXT);
      await shop.stages.approval.process(await shop.revision('web', '2'), 'test');
      expect(await outcomes()).toEqual([{ outcome: 'approved' }]);
    });

    it('a run that waits for a golden that nobody has any more is called off with a reason, and planned on the new one', async () => {
      await shop.settle();
      await shop.labHas(null);
      await shop.settle();
      expect(await rows('select state from lab_test_run')).toEqual([{ state: 'queued' }]);
      await shop.labHas(NEXT);
      await shop.settle();
      const runs = await rows('select state, golden_digest, cancelled_why from lab_test_run order by queued_at, state');
      expect(runs).toEqual([
        { state: 'cancelled', golden_digest: GOLDEN, cancelled_why: expect.stringMatching(/^No lab has/) as string },
        { state: 'queued', golden_digest: NEXT, cancelled_why: '' },
      ]);
      await shop.labHas(GOLDEN);
      await shop.settle();
      expect(await rows('select state, golden_digest, generation from lab_test_run order by state')).toEqual([
        { state: 'cancelled', golden_digest: NEXT, generation: 1 },
        { state: 'queued', golden_digest: GOLDEN, generation: 1 },
      ]);
      expect(await shop.queue.claim(shop.runnerId)).toMatchObject({ goldenDigest: GOLDEN });
    });

    it('a run that waits for a lab-runner that fell silent goes to another as soon as one has the same profile', async () => {
      await shop.settle();
      later(1);
      await shop.settle();
      expect(await rows('select state from lab_test_run'), 'nobody else could do it').toEqual([{ state: 'queued' }]);
      const second = await shop.anotherLab('second', NEXT);
      await shop.settle();
      expect(await rows('select state, golden_digest, cancelled_why from lab_test_run order by state')).toEqual([
        {
          state: 'cancelled',
          golden_digest: GOLDEN,
          cancelled_why: expect.stringContaining('does not answer') as string,
        },
        { state: 'queued', golden_digest: NEXT, cancelled_why: '' },
      ]);
      expect(await shop.queue.claim(second)).toMatchObject({ goldenDigest: NEXT });
      expect(await shop.queue.claim(shop.runnerId), 'when it is back, there is nothing left to do').toBeNull();
      await shop.settle();
      expect(await count('lab_test_run')).toBe(2);
    });

    it('in one environment, so it is not tested in another that is as good', async () => {
      await shop.settle();
      await shop.anotherLab('second', '0'.repeat(64));
      await shop.stages.planning.process(await shop.revision('web', '2'), 'test');
      // Nor while the lab looks whether that environment is still as it should be.
      await shop.labHas(null);
      await shop.settle('planning');
      await shop.stages.planning.process(await shop.revision('web', '2'), 'test');
      expect(await rows('select golden_digest from lab_test_run')).toEqual([{ golden_digest: GOLDEN }]);
    });

    it('the room of a host counts what it is at, also while its golden is built anew', async () => {
      await shop.vendorOffers(debPackage('web', '2'), debPackage('lib', '2'));
      await shop.stages.demand.process('all', 'test');
      await shop.settle();
      await shop.database.platform.transaction(shared, (tx) =>
        tx.query(`update lab_runner set drivers = jsonb_set(drivers, '{0,capacity}', '1')`),
      );
      expect(await shop.queue.claim(shop.runnerId)).not.toBeNull();
      await shop.labHas(null);
      await shop.labHas(NEXT);
      await shop.settle();
      expect(await count(`lab_test_run where state = 'queued'`)).toBeGreaterThan(0);
      expect(await shop.queue.claim(shop.runnerId)).toBeNull();
    });
  });
});
