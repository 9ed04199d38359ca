export * from './enqueue-run.js';
export * from './run-queue.js';
export * from './runner-registry.js';
