import { keyStoreSettings } from '@vouch/evidence';
import type { Config } from '@vouch/platform';

export const workerSettings = [
  'VOUCH_DATABASE_PLATFORM_URL',
  'REDIS_URL',
  ...keyStoreSettings,
  'VOUCH_SECRETS_KEY',
  'VOUCH_SMTP_URL',
  'VOUCH_MAIL_FROM',
  'VOUCH_ALLOW_PRIVATE_NETWORK',
  'VOUCH_HOST',
  'VOUCH_WORKER_PORT',
  'VOUCH_METRICS_TOKEN',
  'VOUCH_LAB_READY_PROFILES',
  'VOUCH_LEASE_SECONDS',
  'VOUCH_INTAKE_SECONDS',
  'VOUCH_RECONCILE_SECONDS',
  'VOUCH_LAB_RATE_MINOR_PER_HOUR',
  'VOUCH_LAB_FIXED_MINOR',
  'VOUCH_CURRENCY',
  'STRIPE_SECRET_KEY',
  'STRIPE_WEBHOOK_SECRET',
  'VOUCH_STRIPE_API_URL',
  'VOUCH_LOG_LEVEL',
] as const;
export type WorkerConfig = Config<(typeof workerSettings)[number]>;

/** What no installation needs to change today, in one place. */
export const fixed = {
  verdictValidDays: 30,
  manifestValidSeconds: 24 * 3600,
  minimumCoverage: 0.3,
  intakeRetrySeconds: 60,
  auditCheckpointSeconds: 60,
} as const;
