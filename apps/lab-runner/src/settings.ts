/** All that a lab-runner is told. */
export const labRunnerSettings = [
  'VOUCH_API_URL',
  'VOUCH_LAB_TOKEN',
  'VOUCH_DATA_DIR',
  'VOUCH_LAB_NAME',
  'VOUCH_LAB_CONCURRENCY',
  'VOUCH_LAB_LIBVIRT_URI',
  'VOUCH_LAB_KEEP_UNUSED_DAYS',
  'VOUCH_LAB_HOST',
  'VOUCH_LAB_PORT',
  'VOUCH_LOG_LEVEL',
] as const;
