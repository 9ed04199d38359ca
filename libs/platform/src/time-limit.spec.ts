import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { timeLimit } from './time-limit.js';

it('a time limit among other signals outlives the garbage collection', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const any = AbortSignal.any([new AbortController().signal, timeLimit(100)]);
  for (let round = 0; round < 10; round++) {
    collect();
    await sleep(20);
  }
  expect(any.aborted).toBe(true);
});
