export * from './page.js';
export * from './problem.js';
export * from './access.js';
export * from './fleet.js';
export * from './patches.js';
export * from './approval.js';
export * from './billing.js';
export * from './webhooks.js';
