import path from 'node:path';
import { TrustStore, type Signer } from '@vouch/evidence';
import { createLogger, loadConfig, Metrics, shared, StageRunner } from '@vouch/platform';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { composeStages } from '../../apps/worker/src/compose.js';
import type { Keys } from '../../apps/worker/src/keys.js';
import { workerSettings } from '../../apps/worker/src/settings.js';
import { testRedisUrl } from '../integration/database.js';
import { mailsTo } from '../integration/people.js';
import { ids, msp, RestFixture, tenants } from '../integration/rest-fixture.js';

/** Nobody listens there: everything that the worker sends fails, and failures are where secrets get out. */
const NOWHERE = '127.0.0.1:9';
const [SMTP_PASSWORD, STRIPE_KEY, STRIPE_SECRET, METRICS_TOKEN] = [
  'the-password-of-the-mailer',
  'sk_test_theKeyOfTheWorkerOfTheTests',
  'whsec_theSecretOfTheWorkerOfTheTests',
  'the-token-of-the-metrics-of-the-worker',
];
/** What sends something outside with a secret in hand. */
const SENDING = ['mail', 'webhook-fan-out', 'webhook-delivery', 'invoicing'];

describe('secrets are never logged by the worker', () => {
  const lines: string[] = [];
  const secrets = new Map<string, string>();
  let rest: RestFixture;
  let kept: string;

  beforeAll(async () => {
    rest = await RestFixture.start({ VOUCH_ALLOW_PRIVATE_NETWORK: true });
    const person = await rest.person(msp.technician);
    const hook = { url: `http://${NOWHERE}/`, eventTypes: ['lab.verdict-issued'] };
    const made = await rest.api.post('/api/v1/webhook-endpoints', hook, person);
    secrets.set('secret of a webhook', ((await made.json()) as { secret: string }).secret);
    await rest.publish('lab.verdict-issued', { verdictId: ids.verdict, revisionId: ids.revision, runId: ids.run });
    await rest.api.post('/api/v1/password-reset', { email: tenants.one.owner });
    const [mail] = await mailsTo(rest.api, tenants.one.owner);
    secrets.set('link in a mail', /vp_[\w-]+/.exec(mail?.text ?? '')?.[0] ?? '');
    const environment = {
      VOUCH_DATABASE_PLATFORM_URL: rest.api.database.platformUrl,
      REDIS_URL: testRedisUrl(),
      VOUCH_DATA_DIR: rest.api.dataDir,
      VOUCH_SECRETS_KEY: rest.secretsKey,
      VOUCH_SMTP_URL: `smtp://mailer:${SMTP_PASSWORD}@${NOWHERE}`,
      VOUCH_ALLOW_PRIVATE_NETWORK: 'true',
      VOUCH_WORKER_PORT: '1',
      VOUCH_METRICS_TOKEN: METRICS_TOKEN,
      STRIPE_SECRET_KEY: STRIPE_KEY,
      STRIPE_WEBHOOK_SECRET: STRIPE_SECRET,
      VOUCH_STRIPE_API_URL: `http://${NOWHERE}`,
    };
    const config = loadConfig(workerSettings, environment);
    for (const [what, secret] of [
      ['password of the mail server', SMTP_PASSWORD],
      ['key of the payment provider', STRIPE_KEY],
      ['secret of its webhooks', STRIPE_SECRET],
      ['token of the metrics', METRICS_TOKEN],
      ['key of what is sealed', rest.secretsKey],
      ['password of the database', new URL(rest.api.database.platformUrl).password],
    ] as const)
      secrets.set(what, secret);
    const trust = (await new TrustStore(path.join(rest.api.dataDir, 'public-keys/trust')).newest())?.document;
    // The stages that are run sign nothing.
    const none = {} as Signer;
    const keys = { verdict: none, manifest: none, audit: none, auditKeys: [], trust } as unknown as Keys;
    const stages = composeStages(config, rest.api.database.platform, keys).filter(({ name }) => SENDING.includes(name));
    expect(stages.map(({ name }) => name).sort()).toEqual([...SENDING].sort());
    const logger = createLogger('worker', 'trace', { write: (line) => void lines.push(line) });
    const runner = new StageRunner(stages, config.REDIS_URL, logger, new Metrics('test'));
    runner.start(1);
    const failed = async (): Promise<boolean> => {
      const rows = await rest.api.database.platform.read<{ said: string | null }>(
        shared,
        `select (select min(error) from platform_mail where tries > 0 and error <> '') as said
         union all select (select min(d.id::text) from webhook_delivery d where attempts > 0)`,
      );
      return rows.every(({ said }) => said !== null) && lines.some((line) => line.includes('"stage":"invoicing"'));
    };
    await vi.waitFor(async () => expect(await failed()).toBe(true), { timeout: 60_000, interval: 200 });
    await runner.close();
    // What is kept of failures is shown to people.
    kept = JSON.stringify(
      await rest.api.database.platform.read(
        shared,
        `select to_jsonb(m) - 'sealed' as kept from platform_mail m union all select to_jsonb(d) from webhook_delivery d
         union all select to_jsonb(s) from billing_statement s`,
      ),
    );
  }, 120_000);
  afterAll(() => rest.stop());

  it('though mails, webhooks and invoices failed to be sent', () => {
    expect(lines.filter((line) => line.includes('stage failed')).length).toBeGreaterThanOrEqual(1);
    expect(kept).toMatch(/ECONNREFUSED|refused/);
  });

  it('not in its logs, and not in what is kept of failures', () => {
    const leaked = [...secrets].filter(([, secret]) => [...lines, kept].join('\n').includes(secret));
    expect([...secrets].filter(([, secret]) => secret.length < 10)).toEqual([]);
    expect(leaked.map(([what]) => what)).toEqual([]);
  });
});
