import { describe, expect, it } from 'vitest';
import { GENERAL_CHECKS, heedSlowness, judge, versionChecks } from './probes.js';
import { checkOf } from './written-probes.js';

const answer = (stdout: string, more: { exitCode?: number; timedOut?: boolean } = {}) => ({
  exitCode: 0,
  stderr: '',
  timedOut: false,
  stdout,
  ...more,
});

describe('judge', () => {
  const service = checkOf({ type: 'service', name: 'web server runs', unit: 'nginx.service' });
  const [failed, audit] = GENERAL_CHECKS;
  const [version] = versionChecks([{ package: 'nginx', version: '2' }]);

  it.each([
    ['a running service', service, answer('active\n'), true],
    ['a stopped service', service, answer('inactive\n'), false],
    ['no failed unit', failed, answer('\n'), true],
    ['a failed unit', failed, answer('nginx.service loaded failed failed web'), false],
    ['packages that are whole', audit, answer(''), true],
    ['a half-installed package', audit, answer('The following packages are only half configured'), false],
    ['the new version', version, answer('ii  2'), true],
    ['an older version', version, answer('ii  1'), false],
    ['the new version, half configured', version, answer('iF  2'), false],
    ['a check that hangs', service, answer('active', { timedOut: true }), false],
    ['a check that fails itself', audit, answer('', { exitCode: 127 }), false],
  ])('%s', (_case, check, said, ok) => {
    expect(check && judge(check, said, 5)).toMatchObject({ ok, durationMs: 5 });
  });
});

describe('heedSlowness', () => {
  const took = (durationMs: number, ok = true) => ({ name: 'x', ok, detail: 'yes', durationMs });
  it.each([
    ['as quick as before', took(100), took(120), true],
    ['a little slower', took(100), took(3000), true],
    ['far slower', took(100), took(4000), false],
    ['slow before already', took(2000), took(12_000), true],
    ['not asked before', undefined, took(60_000), true],
    ['red anyway', took(100), took(100, false), false],
  ])('%s', (_case, before, now, ok) => {
    expect(heedSlowness(now, before).ok).toBe(ok);
  });
});
