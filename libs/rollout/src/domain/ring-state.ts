export type RingState = 'closed' | 'open' | 'healthy' | 'halted';

/** Which way a ring can go. A halted ring opens only by a new decision: halting is never undone by time. */
const transitions: Readonly<Record<RingState, readonly RingState[]>> = {
  closed: ['open', 'halted'],
  open: ['healthy', 'halted'],
  healthy: ['halted'],
  halted: [],
};

export const canMove = (from: RingState, to: RingState): boolean => transitions[from].includes(to);
