import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { DEBIAN_UPGRADE, DEBIAN_UPGRADE_AND_BACK } from '@vouch/lab';
import { interleaved } from './measure.mjs';
import { preparePeers, WANTED_INSIDE } from './peers.mjs';
import { openTestBed } from './test-bed.mjs';

const ROUNDS = Number(process.env.VOUCH_BENCH_ROUNDS ?? 3);

/** The same real update on the same root file system: our test, and Debian's two testers of packages. */
export async function run(say) {
  const bed = await openTestBed(WANTED_INSIDE);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'vouch-peers-'));
  fs.chmodSync(folder, 0o755);
  try {
    const patch = bed.update('nginx');
    const peers = await preparePeers(
      bed,
      folder,
      patch.map(({ file }) => file),
    );
    await bed.prepare(DEBIAN_UPGRADE_AND_BACK);
    const passes = (test) => async () => {
      const { result, sentence } = await test();
      if (result !== 'pass') throw new Error(sentence);
    };
    const sides = {
      cut: passes(() => bed.test(DEBIAN_UPGRADE, patch)),
      full: passes(() => bed.withOwnControl(DEBIAN_UPGRADE_AND_BACK, patch)),
      fullControlKnown: passes(() => bed.test(DEBIAN_UPGRADE_AND_BACK, patch)),
      ...peers,
    };
    const ms = await interleaved(sides, ROUNDS, say);
    return {
      ratio: ms.cut / ms.autopkgtest,
      ratioPiuparts: ms.cut / ms.piuparts,
      ratioPiupartsCopying: ms.cut / ms.piupartsCopying,
      ratioFull: ms.full / ms.piuparts,
      ratioFullControlKnown: ms.fullControlKnown / ms.piuparts,
      compares:
        'one test of the same real update of nginx on the same root file system, seconds from start to end (less is better): ours / theirs',
      scopes: {
        cut: 'boot under systemd, checks, apt, checks, shut down and boot again, checks, what changed',
        full: 'the same, then 3 s of watching, the old packages again, checks; and the whole control run, made beside it',
        fullControlKnown:
          'the same as full, with the control that an earlier test of the same environment has made, as for most tests',
        autopkgtest:
          'unpack the base from an archive, install both files, one smoke test; no init, no services, no checks before, no restart, the network of the host',
        piuparts:
          'unpack the base from an archive, upgrade, look for what is left over, install the old version from the mirror again, purge; no services, no restart',
        piupartsCopying: 'the same, with the base copied from a folder instead of unpacked',
      },
      rounds: ROUNDS,
      milliseconds: Object.fromEntries(Object.entries(ms).map(([name, value]) => [name, Math.round(value)])),
    };
  } finally {
    await bed.close();
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
