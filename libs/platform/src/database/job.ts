import { AsyncLocalStorage } from 'node:async_hooks';

/** A job of the platform, such as `closing` or `seed`: what the database writes beside the rows that it changed. */
const JOB = /^[a-z][a-z0-9.:-]{0,62}$/;
const running = new AsyncLocalStorage<string>();

/**
 * Runs `work` as a named job of the platform: every transaction in it names the job to the database. Without one,
 * the platform role sees no tenant's rows.
 *
 * @throws TypeError when the name is no short word in small letters
 */
export function runAsJob<T>(job: string, work: () => Promise<T>): Promise<T> {
  return running.run(checkedJob(job), work);
}

/** The job that runs now; undefined outside of any. */
export const currentJob = (): string | undefined => running.getStore();

export function checkedJob(job: string): string {
  if (!JOB.test(job)) throw new TypeError(`A job is named by a short word in small letters, not ${job}.`);
  return job;
}
