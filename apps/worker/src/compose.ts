import fs from 'node:fs/promises';
import path from 'node:path';
import { DecideRevisionStage, FolderPublisher, OpenPgpSigner, PublishChannelStage } from '@vouch/approval';
import {
  ApplyPaymentStage,
  ClosePeriodStage,
  InvoiceStatementStage,
  MeterRunStage,
  StripeProvider,
} from '@vouch/billing';
import { DebianFeed, FetchArtefacts, NewestOffers, PollSourceStage } from '@vouch/catalog';
import { openFileSigner, type Signer } from '@vouch/evidence';
import { AssessDemandStage, rolesOf } from '@vouch/fleet';
import { DEBIAN_UPGRADE_AND_BACK, IssueVerdictStage, planDigest, RunQueue } from '@vouch/lab';
import { ChooseEnvironmentsStage, PlanRunsStage, RecordDemand } from '@vouch/planning';
import { ContentStore, systemClock, type Database, type Stage } from '@vouch/platform';
import { AdvanceRolloutStage } from '@vouch/rollout';
import { fixed, type WorkerConfig } from './settings.js';

export interface Keys {
  readonly verdict: Signer;
  readonly manifest: Signer;
  readonly apt: OpenPgpSigner;
}

/** Opens the signing keys, made at the first start, and publishes their public halves for the API to hand to devices. */
export async function openKeys(dataDir: string): Promise<Keys> {
  const file = (name: string): string => path.join(dataDir, 'keys', name);
  const keys: Keys = {
    verdict: await openFileSigner(file('verdict.pem')),
    manifest: await openFileSigner(file('manifest.pem')),
    apt: await OpenPgpSigner.open(file('apt.asc'), 'Vouch channels'),
  };
  const publicKeys = path.join(dataDir, 'public-keys');
  await fs.mkdir(publicKeys, { recursive: true });
  await fs.writeFile(path.join(publicKeys, 'verdict.pem'), keys.verdict.publicKeyPem);
  await fs.writeFile(path.join(publicKeys, 'manifest.pem'), keys.manifest.publicKeyPem);
  await fs.writeFile(path.join(publicKeys, 'apt.asc'), keys.apt.publicKeyArmored);
  return keys;
}

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
    new PlanRunsStage(database, new FetchArtefacts(database, artefacts, clock), {
      plan: DEBIAN_UPGRADE_AND_BACK,
      planDigest: planDigest(DEBIAN_UPGRADE_AND_BACK),
      rolesOf,
      minimumCoverage: fixed.minimumCoverage,
    }),
    new IssueVerdictStage(
      database,
      new RunQueue(database, clock, config.VOUCH_LEASE_SECONDS),
      keys.verdict,
      clock,
      fixed.verdictValidDays,
    ),
    new DecideRevisionStage(database, rolesOf, clock),
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
  ];
}
