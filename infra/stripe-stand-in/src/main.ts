import { startStripeStandIn } from './server.js';

/** A setting of the stand-in's process, or the end of the process with one sentence that names it. */
function setting(name: string, pattern: RegExp): string {
  const value = process.env[name] ?? '';
  if (pattern.test(value)) return value;
  process.stderr.write(`${name} is not set or wrong.\n`);
  process.exit(78);
}

const standIn = await startStripeStandIn({
  port: Number(setting('VOUCH_STRIPE_STAND_IN_PORT', /^\d+$/)),
  secretKey: setting('VOUCH_STRIPE_STAND_IN_SECRET_KEY', /^sk_test_\w+$/),
  webhookSecret: setting('VOUCH_STRIPE_STAND_IN_WEBHOOK_SECRET', /^whsec_/),
  webhookUrl: setting('VOUCH_STRIPE_STAND_IN_WEBHOOK_URL', /^http/),
  dataFile: setting('VOUCH_STRIPE_STAND_IN_DATA_FILE', /^\//),
});
process.stdout.write(`Stand-in for Stripe, no real money: ${standIn.url}\n`);
for (const signal of ['SIGTERM', 'SIGINT'] as const)
  process.once(signal, () => void standIn.close().then(() => process.exit(0)));
