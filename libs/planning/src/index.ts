export * from './domain/coverage.js';
export * from './domain/smallest-plan.js';
export * from './record-demand.js';
export * from './choose-environments.stage.js';
export * from './plan-runs.stage.js';
export * from './domain/route-patch.js';
export * from './domain/patch-for-golden.js';
