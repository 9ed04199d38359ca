import { evidenceStoreSettings, type Config } from '@vouch/platform';

/** All that the API is told: no signing key, no right of the platform. */
export const apiSettings = [
  'VOUCH_DATABASE_APP_URL',
  'REDIS_URL',
  'VOUCH_SECRETS_KEY',
  'VOUCH_ALLOW_PRIVATE_NETWORK',
  'VOUCH_RATE_LIMIT_PER_MINUTE',
  ...evidenceStoreSettings,
  'VOUCH_HOST',
  'VOUCH_PORT',
  'VOUCH_PUBLIC_URL',
  'VOUCH_TRUSTED_PROXIES',
  'VOUCH_METRICS_TOKEN',
  'VOUCH_LEASE_SECONDS',
  'VOUCH_DEVICE_POLL_SECONDS',
  'VOUCH_STRIPE_API_URL',
  'STRIPE_SECRET_KEY',
  'STRIPE_WEBHOOK_SECRET',
  'VOUCH_LOG_LEVEL',
] as const;
export type ApiConfig = Config<(typeof apiSettings)[number]>;
