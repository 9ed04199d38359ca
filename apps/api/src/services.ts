import path from 'node:path';
import { ReadManifest } from '@vouch/approval';
import { BillingRequests, StripeProvider, type PaymentProvider } from '@vouch/billing';
import { TrustStore } from '@vouch/evidence';
import { DeviceAuthentication, Enrolment, RecordFingerprint, RevokeDevice } from '@vouch/fleet';
import { MachineCredentials } from '@vouch/identity';
import { RunnerRegistry, RunQueue, WatchRuns } from '@vouch/lab';
import { ContentStore, Database, openEvidenceStore, systemClock, type BlobStore, type Logger } from '@vouch/platform';
import { RecordOutcome } from '@vouch/rollout';
import { LiveFeed } from './console/live-feed.js';
import { OverviewQuery } from './overview/overview.query.js';
import { RunQuery } from './overview/run.query.js';
import { SeenRuns } from './overview/seen-runs.js';
import { PeopleServices } from './people/people-services.js';
import { RestServices } from './rest/rest-services.js';
import type { ApiConfig } from './settings.js';

export { apiSettings, type ApiConfig } from './settings.js';

/** Everything that the API's doors lead to, wired once. The API holds the application role and no signing key. */
export class Services {
  private constructor(
    readonly config: ApiConfig,
    readonly logger: Logger,
    readonly database: Database,
    readonly people: PeopleServices,
    readonly credentials: MachineCredentials,
    readonly devices: DeviceAuthentication,
    readonly enrolment: Enrolment,
    readonly revokeDevice: RevokeDevice,
    readonly fingerprints: RecordFingerprint,
    readonly outcomes: RecordOutcome,
    readonly manifests: ReadManifest,
    readonly runners: RunnerRegistry,
    readonly runs: RunQueue,
    readonly watchRuns: WatchRuns,
    readonly artefacts: ContentStore,
    readonly evidence: BlobStore,
    readonly trust: TrustStore,
    readonly overview: OverviewQuery,
    readonly runDetails: RunQuery,
    readonly seenRuns: SeenRuns,
    readonly live: LiveFeed,
    readonly billing: BillingRequests,
    readonly payments: PaymentProvider,
    readonly rest: RestServices,
  ) {}

  static async connect(config: ApiConfig, logger: Logger): Promise<Services> {
    const clock = systemClock;
    const database = await Database.connect(config.VOUCH_DATABASE_APP_URL, { applicationName: 'vouch-api' });
    const manifests = new ReadManifest(database);
    const live = new LiveFeed(config.VOUCH_DATABASE_APP_URL, database);
    await live.start();
    return new Services(
      config,
      logger,
      database,
      new PeopleServices(config, database, clock),
      new MachineCredentials(database, clock),
      new DeviceAuthentication(database, clock),
      new Enrolment(database, clock),
      new RevokeDevice(database, clock),
      new RecordFingerprint(database, clock),
      new RecordOutcome(database, manifests, clock),
      manifests,
      new RunnerRegistry(database, clock),
      new RunQueue(database, clock, config.VOUCH_LEASE_SECONDS),
      new WatchRuns(database),
      new ContentStore(path.join(config.VOUCH_DATA_DIR, 'artefacts')),
      openEvidenceStore(config),
      new TrustStore(path.join(config.VOUCH_DATA_DIR, 'public-keys/trust')),
      new OverviewQuery(database, clock, config.VOUCH_STRIPE_API_URL !== undefined),
      new RunQuery(database),
      new SeenRuns(database),
      live,
      new BillingRequests(database, clock),
      new StripeProvider({
        secretKey: config.STRIPE_SECRET_KEY,
        webhookSecret: config.STRIPE_WEBHOOK_SECRET,
        ...(config.VOUCH_STRIPE_API_URL === undefined ? {} : { apiUrl: config.VOUCH_STRIPE_API_URL }),
      }),
      new RestServices(config, database, clock, logger),
    );
  }

  async close(): Promise<void> {
    await this.live.close();
    await this.rest.close();
    await this.people.close();
    await this.database.close();
  }
}
