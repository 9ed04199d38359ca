import type { Component } from './digest.js';

/** Machines that look alike to a product stream, without whose they are. */
export interface CohortFact {
  readonly id: string;
  /** SHA-256 of stream and roles. */
  readonly key: string;
  readonly stream: string;
  readonly roles: readonly string[];
  readonly label: string;
  /** What the machine that was looked at last has installed. */
  readonly components: readonly Component[];
}

/** How many machines of a cohort wait for a revision: an anonymous fact, all that the shared half ever learns of fleets. */
export interface DemandFact {
  readonly revisionId: string;
  readonly cohortId: string;
  /** Binary packages of the patch that the machines have installed. */
  readonly packages: readonly string[];
  readonly devices: number;
  /** Pseudonyms of those whose machines they are, so that the lab's queue can be fair without knowing anybody. */
  readonly origins: readonly string[];
}
