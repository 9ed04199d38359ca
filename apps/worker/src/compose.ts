import fs from 'node:fs/promises';
import path from 'node:path';
import { DecideRevisionStage, FolderPublisher, GiveDefaultPolicyStage, PublishChannelStage } from '@vouch/approval';
import {
  ApplyPaymentStage,
  ClosePeriodStage,
  InvoiceStatementStage,
  MeterRunStage,
  StripeProvider,
} from '@vouch/billing';
import { DebianFeed, FetchArtefacts, NewestOffers, PollSourceStage } from '@vouch/catalog';
import { believedKeyIds, SignAuditHeadsStage } from '@vouch/evidence';
import { AssessDemandStage, rolesOf } from '@vouch/fleet';
import { DEBIAN_UPGRADE_AND_BACK, IssueVerdictStage, planDigest, RunQueue } from '@vouch/lab';
import { FolderTransport, SendMailStage, SmtpTransport } from '@vouch/identity';
import { ChooseEnvironmentsStage, PlanRunsStage, RecordDemand } from '@vouch/planning';
import { ContentStore, SafeFetch, SealedBox, systemClock, type Database, type Stage } from '@vouch/platform';
import { AdvanceRolloutStage } from '@vouch/rollout';
import { DeliverWebhookStage, FanOutStage } from '@vouch/webhooks';
import type { Keys } from './keys.js';
import { fixed, type WorkerConfig } from './settings.js';

/** All stages of the main job, wired once. */
export function composeStages(config: WorkerConfig, database: Database, keys: Keys): Stage[] {
  const clock = systemClock;
  const folder = (name: string): string => path.join(config.VOUCH_DATA_DIR, name);
  const artefacts = new ContentStore(folder('artefacts'));
  const provider = new StripeProvider({
    secretKey: config.STRIPE_SECRET_KEY,
    webhookSecret: config.STRIPE_WEBHOOK_SECRET,
    ...(config.VOUCH_STRIPE_API_URL === undefined ? {} : { apiUrl: config.VOUCH_STRIPE_API_URL }),
  });
  const rate = {
    minorPerHour: config.VOUCH_LAB_RATE_MINOR_PER_HOUR,
    fixedMinorPerTest: config.VOUCH_LAB_FIXED_MINOR,
    currency: config.VOUCH_CURRENCY,
  };
  return [
    new PollSourceStage(
      database,
      (source, lastAccepted) => new DebianFeed(source, source.architecture, lastAccepted, clock),
      new ContentStore(folder('indexes')),
      clock,
      { everySeconds: config.VOUCH_INTAKE_SECONDS, retrySeconds: fixed.intakeRetrySeconds },
    ),
    new AssessDemandStage(database, new NewestOffers(database), new RecordDemand(database, clock), clock),
    new ChooseEnvironmentsStage(database, clock),
    new PlanRunsStage(
      database,
      new FetchArtefacts(database, artefacts, clock),
      {
        plan: DEBIAN_UPGRADE_AND_BACK,
        planDigest: planDigest(DEBIAN_UPGRADE_AND_BACK),
        rolesOf,
        minimumCoverage: fixed.minimumCoverage,
      },
      clock,
    ),
    new IssueVerdictStage(
      database,
      new RunQueue(database, clock, config.VOUCH_LEASE_SECONDS),
      keys.verdict,
      clock,
      fixed.verdictValidDays,
    ),
    new GiveDefaultPolicyStage(database, clock),
    new DecideRevisionStage(database, rolesOf, clock, believedKeyIds(keys.trust, 'verdict')),
    new AdvanceRolloutStage(database, clock),
    new PublishChannelStage(
      database,
      new FolderPublisher(folder('channels'), artefacts, keys.apt),
      keys.manifest,
      clock,
      fixed.manifestValidSeconds,
    ),
    new MeterRunStage(database, rate, clock),
    new ClosePeriodStage(database, clock),
    new InvoiceStatementStage(database, provider, clock),
    new ApplyPaymentStage(database, clock),
    new SendMailStage(
      database,
      new SealedBox(config.VOUCH_SECRETS_KEY),
      config.VOUCH_SMTP_URL === undefined
        ? new FolderTransport(folder('mails'))
        : new SmtpTransport(config.VOUCH_SMTP_URL, config.VOUCH_MAIL_FROM),
      clock,
    ),
    new FanOutStage(database),
    new DeliverWebhookStage(
      database,
      new SealedBox(config.VOUCH_SECRETS_KEY),
      new SafeFetch({ allowPrivateNetwork: config.VOUCH_ALLOW_PRIVATE_NETWORK }),
      clock,
    ),
    new SignAuditHeadsStage(database, keys.audit, keys.auditKeys, clock, fixed.auditCheckpointSeconds, (envelope) =>
      fs.appendFile(folder('audit-checkpoints.ndjson'), `${JSON.stringify({ kind: 'checkpoint', envelope })}\n`),
    ),
  ];
}
