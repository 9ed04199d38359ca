import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const root = path.resolve(import.meta.dirname, '../..');
/** Everything that runs on a server or a lab's host. What runs on a device and in a browser has no profiles. */
const PLACES = ['apps/api', 'apps/worker', 'apps/lab-runner', ...fs.readdirSync(path.join(root, 'libs')).map(lib)];
const DRIVERS = 'libs/lab/src/adapters/';

function lib(name: string): string {
  return `libs/${name}`;
}

const sources = PLACES.flatMap((place) =>
  fs
    .readdirSync(path.join(root, place, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.spec.ts'))
    .map((file) => path.posix.join(place, 'src', file)),
).map((file) => ({ file, text: fs.readFileSync(path.join(root, file), 'utf8') }));

const filesWith = (pattern: RegExp): string[] =>
  sources.filter(({ text }) => pattern.test(text)).map(({ file }) => file);

/** Those that import one of these modules, as far as they lie in libs/lab. */
const importersOf = (...modules: string[]): string[] =>
  filesWith(new RegExp(`from '[^']*/(${modules.join('|')})\\.js'`)).filter((file) => file.startsWith('libs/lab/'));

/** A probe's command is whatever somebody wrote into a profile: it may run inside a machine of the lab, and nowhere else. */
describe('scripts of probes never run outside the lab', () => {
  it('only drivers start programs, and in all else of the lab nothing can', () => {
    const starting = filesWith(/['"](?:node:)?(?:child_process|vm|worker_threads|cluster)['"]/);
    // gpgv, and a program for keys that the operator names: neither ever sees a profile.
    const known = [
      'libs/catalog/src/adapters/debian/signature.ts',
      'libs/evidence/src/adapters/command-key-store/command-key-store.ts',
    ];
    const others = starting.filter((file) => !file.startsWith(DRIVERS) && !known.includes(file));
    expect(others).toEqual([]);
    expect(starting.filter((file) => file.startsWith(DRIVERS)).length, 'there is something to find').toBeGreaterThan(3);
  });

  it('drivers know nothing of probes: they are handed a script and a machine', () => {
    const knowing = importersOf(
      'written-probes',
      'probes',
      'machine-check',
      'derived-checks/index',
      'look',
      'run-checks',
    );
    expect(knowing).toContain('libs/lab/src/plan-run/run-checks.ts');
    expect(knowing.filter((file) => file.startsWith(DRIVERS))).toEqual([]);
  });

  it('what runs programs on the host is used by drivers alone', () => {
    const running = importersOf('run-command', 'child-process', 'user-namespace', 'virsh', 'qemu-process');
    expect(running.length).toBeGreaterThan(5);
    expect(running.filter((file) => !file.startsWith(DRIVERS) && file !== 'libs/lab/src/index.ts')).toEqual([]);
    expect(filesWith(/\brunCommand\b/).filter((file) => !file.startsWith(DRIVERS))).toEqual([]);
  });

  it('a probe becomes a script in one place, which hands it to the machine', () => {
    const making = filesWith(/\bcheckOf\b/).filter((file) => !file.endsWith('domain/written-probes.ts'));
    expect(making).toEqual(['libs/lab/src/plan-run/plan-run.ts']);
    // `script` is read where it is put together, and where a machine is asked.
    const reading = sources
      .filter(({ file }) => file.startsWith('libs/lab/src/plan-run/'))
      .flatMap(({ file, text }) =>
        [...text.matchAll(/.*\bcheck\.script\b.*/g)].map(([line]) => `${file}: ${line.trim()}`),
      );
    expect(reading).toEqual([
      expect.stringMatching(/run-checks\.ts: const answer = await machine\.exec\(check\.script, /) as string,
    ]);
  });
});
