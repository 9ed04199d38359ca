export * from './domain/gate.js';
export * from './domain/ring-state.js';
export * from './advance-rollout.stage.js';
export * from './record-outcome.js';
