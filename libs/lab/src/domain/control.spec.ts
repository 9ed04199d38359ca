import { describe, expect, it } from 'vitest';
import { controlKey, findingsOf, isTooOld, toRecord } from './control.js';

const key = controlKey('a'.repeat(64), 'b'.repeat(64));
const record = toRecord(
  key,
  new Date('2026-01-02T00:00:00Z'),
  new Map([
    [
      'probe-after-reboot' as const,
      new Map([
        ['ports', [{ key: 'tcp *:80', detail: 'open', amount: 2 }]],
        ['quiet', []],
      ]),
    ],
  ]),
  [],
);

describe('a control', () => {
  it('belongs to one golden and one plan', () => {
    expect(controlKey('a'.repeat(64), 'c'.repeat(64))).not.toBe(key);
    expect(controlKey('c'.repeat(64), 'b'.repeat(64))).not.toBe(key);
    expect(controlKey('a'.repeat(64), 'b'.repeat(64))).toBe(key);
  });

  it.each([
    ['2026-01-02T00:00:01Z', false],
    ['2026-01-08T00:00:00Z', false],
    ['2026-01-09T00:00:01Z', true],
  ])('made on 2 January is too old on %s: %s', (now, old) => {
    expect(isTooOld(record, new Date(now))).toBe(old);
  });

  it('keeps what was found, by step and check', () => {
    expect(findingsOf(record, 'probe-after-reboot', 'ports')).toEqual([{ key: 'tcp *:80', detail: 'open', amount: 2 }]);
    expect(findingsOf(record, 'probe-after-apply', 'ports')).toEqual([]);
    expect(record.findings['probe-after-reboot']).not.toHaveProperty('quiet');
  });
});
