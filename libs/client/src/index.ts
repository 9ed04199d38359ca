export * from './client.js';
export * from './problem.js';
export type { components, operations, paths } from './generated/api.js';
