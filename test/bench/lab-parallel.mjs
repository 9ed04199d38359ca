import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { DEBIAN_UPGRADE, DEBIAN_UPGRADE_AND_BACK } from '@vouch/lab';
import { corpus, patchOf } from '../bad-patches/packages.mjs';
import { openTestBed } from './test-bed.mjs';

const AT_ONCE = (process.env.VOUCH_BENCH_AT_ONCE ?? '1,2,4,8,16').split(',').map(Number);
/** A real update, and the same one broken: every fourth test has to fail. */
const BROKEN = 'web-server-without-program';

/** Several tests at once on this machine: seconds for each, and whether every verdict is right. */
export async function run(say) {
  const bed = await openTestBed();
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'vouch-parallel-'));
  try {
    const good = bed.update('nginx');
    const bad = patchOf(
      folder,
      corpus('bad').find(({ name }) => name === BROKEN),
      good,
    );
    await bed.prepare(DEBIAN_UPGRADE_AND_BACK);
    await bed.test(DEBIAN_UPGRADE, good);
    let wrong = 0;
    const amortised = async (plan, atOnce) => {
      const begun = performance.now();
      const tests = Array.from({ length: atOnce }, async (_, index) => {
        const isBad = index % 4 === 3;
        const { result, sentence } = await bed.test(plan, isBad ? bad : good);
        if (result === (isBad ? 'fail' : 'pass')) return;
        wrong += 1;
        say(`wrong: ${result}: ${sentence}`);
      });
      await Promise.all(tests);
      const seconds = Math.round((performance.now() - begun) / atOnce / 10) / 100;
      say(`${plan.name}, ${atOnce} at once: ${seconds} s for each`);
      return seconds;
    };
    const cut = {};
    for (const atOnce of AT_ONCE) cut[atOnce] = await amortised(DEBIAN_UPGRADE, atOnce);
    const most = AT_ONCE.at(-1);
    const full = { [most]: await amortised(DEBIAN_UPGRADE_AND_BACK, most) };
    return {
      ratio: cut[most] / cut[AT_ONCE[0]],
      compares: `seconds for each test, ${most} at once / ${AT_ONCE[0]} at once`,
      processors: os.availableParallelism(),
      secondsEach: cut,
      secondsEachFull: full,
      wrongVerdicts: wrong,
    };
  } finally {
    await bed.close();
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
