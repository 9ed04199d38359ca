export * from './digest.js';
export * from './profile.js';
export * from './lab.js';
