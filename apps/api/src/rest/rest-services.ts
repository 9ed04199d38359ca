import { ChangePolicy, Orders } from '@vouch/approval';
import { ApiKeys } from '@vouch/identity';
import { SafeFetch, SealedBox, type Clock, type Database, type Logger } from '@vouch/platform';
import { WebhookEndpoints } from '@vouch/webhooks';
import { Idempotency } from '../idempotency/idempotency.js';
import { LabDesk } from '../lab/lab-desk.js';
import { RateLimits } from '../limits/rate-limits.js';
import { Cursors } from '../listing/cursor.js';
import { Lists } from '../listing/lists.js';
import { ApprovalCheckQuery } from './approval-check.query.js';

export interface RestSettings {
  readonly REDIS_URL: string;
  readonly VOUCH_SECRETS_KEY: string;
  readonly VOUCH_ALLOW_PRIVATE_NETWORK: boolean;
  readonly VOUCH_RATE_LIMIT_PER_MINUTE: number;
}

/** What the public REST API stands on. */
export class RestServices {
  readonly apiKeys: ApiKeys;
  readonly lists: Lists;
  readonly approvals: ApprovalCheckQuery;
  readonly orders: Orders;
  readonly policies: ChangePolicy;
  readonly idempotency: Idempotency;
  readonly limits: RateLimits;
  readonly webhooks: WebhookEndpoints;
  readonly lab: LabDesk;
  private readonly fetcher: SafeFetch;

  constructor(settings: RestSettings, database: Database, clock: Clock, logger: Logger) {
    const box = new SealedBox(settings.VOUCH_SECRETS_KEY);
    this.fetcher = new SafeFetch({ allowPrivateNetwork: settings.VOUCH_ALLOW_PRIVATE_NETWORK });
    this.apiKeys = new ApiKeys(database, clock);
    this.apiKeys.start();
    this.lists = new Lists(database, new Cursors(box.derive('list cursors')));
    this.approvals = new ApprovalCheckQuery(database, clock);
    this.orders = new Orders(database, clock);
    this.policies = new ChangePolicy(database, clock);
    this.idempotency = new Idempotency(database, box, clock);
    const installation = box.derive('rate limits').toString('hex').slice(0, 12);
    this.limits = new RateLimits(
      settings.REDIS_URL,
      settings.VOUCH_RATE_LIMIT_PER_MINUTE,
      logger,
      `vouch-limit:${installation}`,
    );
    this.webhooks = new WebhookEndpoints(database, box, this.fetcher, clock);
    this.lab = new LabDesk(database, clock);
  }

  async close(): Promise<void> {
    await this.apiKeys.close();
    await this.limits.close();
    await this.fetcher.close();
  }
}
