export * from './signer.port.js';
export * from './domain/dsse.js';
export * from './domain/verdict-statement.js';
export * from './adapters/file-key-store/file-signer.js';
