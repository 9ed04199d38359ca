/** All that making the demo's organisation takes. */
export const seedSettings = [
  'VOUCH_DATABASE_PLATFORM_URL',
  'VOUCH_SECRETS_KEY',
  'VOUCH_LAB_TOKEN',
  'VOUCH_LAB_NAME',
  'VOUCH_DEMO_PASSWORD',
  'VOUCH_DEMO_CODE_SECRET',
] as const;

/** All that the demo's machines are told. */
export const demoSettings = [
  'VOUCH_API_URL',
  'VOUCH_PORT',
  'VOUCH_DATA_DIR',
  'VOUCH_DEMO_PASSWORD',
  'VOUCH_DEMO_CODE_SECRET',
  'VOUCH_STARTED_AT_MS',
] as const;
