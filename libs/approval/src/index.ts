export * from './domain/decide.js';
export * from './domain/manifest.js';
export * from './channel.js';
export * from './decide-revision.stage.js';
export * from './apt-publisher.port.js';
export * from './publish-channel.stage.js';
export * from './read-manifest.js';
