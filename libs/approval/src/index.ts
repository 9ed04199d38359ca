export * from './domain/decide.js';
export * from './domain/manifest.js';
export * from './channel.js';
export * from './decide-revision.stage.js';
