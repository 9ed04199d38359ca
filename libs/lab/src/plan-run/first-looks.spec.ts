import { describe, expect, it } from 'vitest';
import { WALK_SCRIPT } from '../domain/derived-checks/index.js';
import type { WrittenFiles } from '../domain/machine-diff.js';
import type { LabDriver } from '../lab-driver.port.js';
import type { LabMachine } from '../lab-machine.port.js';
import { FirstLooks } from './first-looks.js';
import { MachineObserver } from './observe-machine.js';

const driver = (): LabDriver => ({}) as LabDriver;
const look = { walked: new Map(), written: new Map() };
const files = (...paths: string[]): WrittenFiles =>
  new Map(paths.map((path) => [path, { kind: 'f', stamp: '1' }] as const));

/** Answers every question with nothing, and says how it was walked through: `all`, or the files. */
function machine(written: WrittenFiles, writesApart?: boolean): { machine: LabMachine; walks: string[] } {
  const walks: string[] = [];
  const exec = (script: string) => {
    const listed = /<< 'VOUCH-PATHS'\n([^]*)VOUCH-PATHS/.exec(script)?.[1];
    walks.push(script.includes(WALK_SCRIPT) ? 'all' : (listed ?? 'none').trim().split('\n').sort().join(' '));
    const stdout = [...script.matchAll(/echo '(LOOK_MARK-\S+ \d+)'/g)].map(([, mark]) => `${mark}\n`).join('');
    return Promise.resolve({ exitCode: 0, stdout, stderr: '', durationMs: 1, timedOut: false });
  };
  const fake = { isRunning: true, exec, written: () => Promise.resolve(written) };
  return {
    machine: { ...fake, ...(writesApart === undefined ? {} : { writesApart }) } as unknown as LabMachine,
    walks,
  };
}

async function walksOf(
  looks: FirstLooks,
  written: WrittenFiles,
  writesApart?: boolean,
  golden = 'g',
): Promise<string[]> {
  const made = machine(written, writesApart);
  await new MachineObserver([], null, looks).remember(made.machine, golden);
  return made.walks;
}

describe('first looks', () => {
  it('are at all files of the first machine of a golden, and later at what the first or the later one has written', async () => {
    const looks = FirstLooks.of(driver());
    expect(await walksOf(looks, files('/etc/first', '/etc/both'), true)).toEqual(['all']);
    expect(await walksOf(looks, files('/etc/both', '/etc/later'), true)).toEqual(['/etc/both /etc/first /etc/later']);
    expect(await walksOf(looks, files('/etc/both'), true)).toEqual(['/etc/both /etc/first']);
    expect(await walksOf(looks, files('/etc/both'), true, 'another golden')).toEqual(['all']);
  });

  it('are at all files where a machine does not know what was written, or too much was', async () => {
    const looks = FirstLooks.of(driver());
    expect(await walksOf(looks, files('/etc/a'))).toEqual(['all']);
    expect(await walksOf(looks, files('/etc/a'), true)).toEqual(['all']);
    expect(await walksOf(looks, files('/etc/a'))).toEqual(['all']);
    expect(await walksOf(looks, files('/etc/two\nlines'), true)).toEqual(['all']);
    const many = Array.from({ length: 5000 }, (_, n) => `/var/lib/something/long/${n}`);
    expect(await walksOf(looks, files(...many), true)).toEqual(['all']);
    expect(await walksOf(looks, files('/etc/b'), true)).toEqual(['/etc/a /etc/b']);
  });

  it('are kept by driver, and not for ever', () => {
    const [one, other] = [driver(), driver()];
    FirstLooks.of(one).keep('g', look);
    expect(FirstLooks.of(one).find('g')).toBe(look);
    expect(FirstLooks.of(other).find('g')).toBeUndefined();
    for (let n = 0; n < 30; n++) FirstLooks.of(one).keep(`golden ${n}`, look);
    expect(FirstLooks.of(one).find('g')).toBeUndefined();
    expect(FirstLooks.of(one).find('golden 0')).toBe(look);
  });
});
