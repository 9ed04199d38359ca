export * from './digest.js';
export * from './probe.js';
export * from './profile.js';
export * from './lab.js';
export * from './device.js';
export * from './overview.js';
export * from './events.js';
export * from './demand.js';
