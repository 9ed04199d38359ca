import { Redis } from 'ioredis';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import type { Logger } from '@vouch/platform';

/** Too much in too short a time. */
export class TooManyRequests extends Error {
  readonly code = 'too-many-requests';
  constructor(
    readonly retryAfterSeconds: number,
    /** What is left of the quota: nothing. */
    readonly headers: Standing['headers'],
  ) {
    super(`Too many requests. Try again in ${retryAfterSeconds} seconds.`);
  }
}

const WINDOW_SECONDS = 60;
/** Requests in a minute, as multiples of what one caller may do: many people share an address, guessing is slowed down. */
const SHARES = { caller: 1, address: 5, device: 1, runner: 20, refused: 1 / 6 } as const;
export type Quota = keyof typeof SHARES;

/** What is left of a quota, as the headers RateLimit and RateLimit-Policy say it. */
export interface Standing {
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Counts requests in Redis, so that several API processes count together. Redis is never the truth: while it is away
 * each process counts for itself, and requests go on.
 */
export class RateLimits {
  private readonly redis: Redis;
  private readonly limiters: Readonly<Record<Quota, RateLimiterRedis>>;
  private readonly quotas: Readonly<Record<Quota, number>>;

  /**
   * @param perCaller requests in a minute
   * @param prefix keeps installations apart that share a Redis
   */
  constructor(redisUrl: string, perCaller: number, logger: Logger, prefix: string) {
    this.redis = new Redis(redisUrl, { enableOfflineQueue: false, maxRetriesPerRequest: 0, commandTimeout: 250 });
    this.redis.on('error', (error) => logger.debug({ err: error.message }, 'rate limits are counted in memory'));
    const quota = (name: Quota): number => Math.ceil(perCaller * SHARES[name]);
    this.quotas = {
      caller: quota('caller'),
      address: quota('address'),
      device: quota('device'),
      runner: quota('runner'),
      refused: quota('refused'),
    };
    const limiter = (name: Quota): RateLimiterRedis => {
      const options = { points: this.quotas[name], duration: WINDOW_SECONDS, keyPrefix: `${prefix}:${name}` };
      return new RateLimiterRedis({
        ...options,
        storeClient: this.redis,
        rejectIfRedisNotReady: true,
        insuranceLimiter: new RateLimiterMemory(options),
      });
    };
    this.limiters = {
      caller: limiter('caller'),
      address: limiter('address'),
      device: limiter('device'),
      runner: limiter('runner'),
      refused: limiter('refused'),
    };
  }

  /**
   * Counts one request.
   * @throws TooManyRequests
   */
  async take(quota: Quota, who: string): Promise<Standing> {
    try {
      return this.standing(quota, await this.limiters[quota].consume(who));
    } catch (refusal) {
      if (!(refusal instanceof RateLimiterRes)) throw refusal;
      throw this.tooMany(quota, refusal);
    }
  }

  /**
   * Looks without counting.
   * @throws TooManyRequests when nothing is left
   */
  async check(quota: Quota, who: string): Promise<void> {
    const found = await this.limiters[quota].get(who);
    if (found !== null && found.consumedPoints > this.quotas[quota]) throw this.tooMany(quota, found);
  }

  async close(): Promise<void> {
    this.redis.disconnect();
  }

  private tooMany(quota: Quota, result: RateLimiterRes): TooManyRequests {
    return new TooManyRequests(secondsOf(result), this.standing(quota, result).headers);
  }

  /** draft-ietf-httpapi-ratelimit-headers-10: structured fields with quota, window, what remains and for how long. */
  private standing(quota: Quota, result: RateLimiterRes): Standing {
    return {
      headers: {
        'ratelimit-policy': `"${quota}";q=${this.quotas[quota]};w=${WINDOW_SECONDS}`,
        ratelimit: `"${quota}";r=${Math.max(0, result.remainingPoints)};t=${secondsOf(result)}`,
      },
    };
  }
}

const secondsOf = ({ msBeforeNext }: RateLimiterRes): number => Math.max(1, Math.ceil(msBeforeNext / 1000));
