export * from './domain/cohort.js';
export * from './domain/applicability.js';
export * from './enrol-device.js';
export * from './authenticate-device.js';
export * from './revoke-device.js';
export * from './record-fingerprint.js';
export * from './assess-demand.stage.js';
