import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { corpusGolden } from '../bad-patches/golden.mjs';
import { corpus, patchOf } from '../bad-patches/packages.mjs';
import { NO_LAB, openHost, runTest, type Host } from './lab-fixture.js';

/** Quick ones, each caught by another kind of check; the bench `lab-catch-rate` takes all. */
const SAMPLE = {
  bad: ['answers-something-else', 'setuid-by-script', 'cannot-be-taken-back'],
  good: ['asks-with-a-default', 'a-name-of-its-own-choice'],
} as const;

describe.skipIf(NO_LAB)('of the corpus', () => {
  let host: Host;
  let golden: Awaited<ReturnType<typeof corpusGolden>>;
  let folder: string;
  beforeAll(async () => {
    host = await openHost();
    golden = await corpusGolden(host.sandboxes);
    folder = await mkdtemp(path.join(tmpdir(), 'vouch-corpus-'));
  });
  afterAll(async () => {
    await host?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const named = (kind: 'good' | 'bad', name: string) => {
    const found = corpus(kind).find((patch) => patch.name === name);
    if (found === undefined) throw new Error(`There is no ${name} in the corpus.`);
    return found;
  };
  const judge = async (kind: 'good' | 'bad', name: string) =>
    (await runTest(host, golden, patchOf(folder, named(kind, name), []))).verdict;

  it.concurrent.each(SAMPLE.bad)('%s is caught', async (name) => {
    const judged = await judge('bad', name);
    expect(judged.result === 'fail' || judged.reversible === false, judged.sentence).toBe(true);
    expect([...judged.reasons, ...judged.cautions].join()).toContain(named('bad', name).caughtBy);
  });

  it.concurrent.each(SAMPLE.good)('%s is not held against it', async (name) => {
    const { says } = named('good', name);
    expect(await judge('good', name)).toMatchObject({
      result: 'pass',
      reasons: [],
      reversible: true,
      cautions: says === undefined ? [] : [expect.stringContaining(says)],
    });
  });
});
