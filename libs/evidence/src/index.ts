export * from './signer.port.js';
export * from './domain/dsse.js';
export * from './domain/verdict-statement.js';
export * from './adapters/file-key-store/file-signer.js';
export * from './domain/audit-checkpoint.js';
export * from './sign-audit-heads.stage.js';
export * from './verify-audit-export.js';
