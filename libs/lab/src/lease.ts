/** The run is no longer this runner's: its lease ran out, it was given to another, or it was cancelled. */
export class LeaseLost extends Error {
  readonly code = 'lease-lost';
  constructor(runId: string) {
    super(`Test run ${runId} is no longer leased to this runner: stop and discard it.`);
  }
}

/** Only a runner that tests something may do this, and this one has no run at present. */
export class LeaseNeeded extends Error {
  readonly code = 'lease-lost';
  constructor() {
    super('No test run is leased to this runner: evidence is taken only from one that tests something.');
  }
}
