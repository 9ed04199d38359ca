import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPackage, NO_LAB, openLab, securityUpgrade, type Lab } from './lab-fixture.js';

/** Where no control group can be delegated, systemd cannot start, and services are run by their old init scripts. */
describe.skipIf(NO_LAB)('a lab of reduced fidelity', () => {
  let lab: Lab;
  let folder: string;
  beforeAll(async () => {
    lab = await openLab('sysv');
    folder = await mkdtemp(path.join(tmpdir(), 'vouch-sysv-'));
  });
  afterAll(async () => {
    await lab?.close();
    await rm(folder, { recursive: true });
  });

  it('lets a real update pass, and says in the verdict what it did not look at', async () => {
    const upgrade = await securityUpgrade(lab.golden, 'nginx');
    expect(upgrade).not.toEqual([]);
    const { verdict, observations } = await lab.test(upgrade);
    expect([verdict.result, verdict.reasons]).toEqual(['pass', []]);
    expect(observations.fidelity).toBe('reduced');
    expect(verdict.notCovered).toContain(
      'how systemd starts, watches and restarts services: their old init scripts start them in this lab',
    );
  });

  it('sees that a service does not come back', async () => {
    const breaks = 'echo broken >> /etc/nginx/nginx.conf; invoke-rc.d nginx restart || true';
    const patch = await buildPackage(folder, { package: 'openssl', version: '9999' }, breaks);
    const { verdict } = await lab.test([patch]);
    expect(verdict.result).toBe('fail');
    expect(verdict.reasons.join()).toMatch(/nginx|web site/);
  });

  it('sees that a service does not start with the machine any more', async () => {
    const patch = await buildPackage(folder, { package: 'openssl', version: '9999' }, 'update-rc.d nginx disable');
    const { verdict } = await lab.test([patch]);
    expect(verdict.result).toBe('fail');
    expect(verdict.reasons.join()).toMatch(/nginx/);
  });

  it('ends what forks without end', async () => {
    const bomb = 'bomb() { bomb | bomb & }; bomb; sleep 600';
    const patch = await buildPackage(folder, { package: 'openssl', version: '9999' }, bomb);
    const { verdict } = await lab.test([patch], { limits: { applyMs: 15_000 } });
    expect(verdict.result).not.toBe('pass');
  });
});
