export * from './context.js';
export * from './domain/permissions.js';
export * from './secret-token.js';
export * from './sign-in.js';
export * from './machine-credentials.js';
export * from './register.js';
