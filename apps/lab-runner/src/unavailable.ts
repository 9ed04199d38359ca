import { setTimeout as sleep } from 'node:timers/promises';
import type { LabApi } from './lab-api.js';

const TELL_AGAIN_MS = 30_000;
const RETRY_MS = 2_000;

/** Tells the server, now and again, why no lab can run here, until this process is told to stop. */
export async function waitForStop(api: LabApi, name: string, unavailable: string, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    const told = await api.hello({ name, drivers: [], unavailable: unavailable.slice(0, 1000) }).then(
      () => true,
      () => false,
    );
    await sleep(told ? TELL_AGAIN_MS : RETRY_MS, undefined, { signal: stop }).catch(() => undefined);
  }
}
