/** Where a test run stands in its life. */
export type TestRunState = 'queued' | 'leased' | 'running' | 'reported' | 'judged' | 'cancelled';

/** From each state, the states that may follow it, and why. Nothing else is allowed. */
export const TEST_RUN_TRANSITIONS: Readonly<Record<TestRunState, Readonly<Partial<Record<TestRunState, string>>>>> = {
  queued: {
    leased: 'a runner took it',
    reported: 'its lease was lost too often: reported as the lab’s failure, which is never a verdict on the patch',
    cancelled: 'nobody needs it any more',
  },
  leased: {
    running: 'the runner gave a sign of life',
    queued: 'the lease was lost',
    cancelled: 'nobody needs it any more',
  },
  running: {
    reported: 'the runner told what it saw',
    queued: 'the lease was lost',
    cancelled: 'nobody needs it any more',
  },
  reported: { judged: 'the verdict was signed' },
  judged: {},
  cancelled: { queued: 'somebody wants it after all' },
};

export const canTransition = (from: TestRunState, to: TestRunState): boolean =>
  TEST_RUN_TRANSITIONS[from][to] !== undefined;

/** A final state is never left. */
export const isFinal = (state: TestRunState): boolean => Object.keys(TEST_RUN_TRANSITIONS[state]).length === 0;
