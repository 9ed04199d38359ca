export * from './endpoints.js';
export * from './fan-out.stage.js';
export * from './deliver.stage.js';
