import { z } from 'zod';

const port = z.coerce.number().int().min(1).max(65535);
const seconds = z.coerce.number().int().min(1).max(86_400);
const postgresUrl = z.url({ protocol: /^postgres(ql)?$/, error: 'must be a postgresql:// URL' });
const httpUrl = z.url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' });

/** Every setting of every process, read from the environment once, at start. Times carry their unit in their name. */
export const settings = {
  /** Owner's connection: migrations only. */
  DATABASE_URL: postgresUrl,
  /** The application role: sees only the tenants that a transaction names. */
  VOUCH_DATABASE_APP_URL: postgresUrl,
  /** The platform role: the platform's own jobs across tenants. */
  VOUCH_DATABASE_PLATFORM_URL: postgresUrl,
  REDIS_URL: z.url({ protocol: /^rediss?$/, error: 'must be a redis:// or rediss:// URL' }),
  VOUCH_DATA_DIR: z.string().startsWith('/', 'must be an absolute path'),
  /** Where private keys lie: a folder, a token behind PKCS#11, or a program that is asked to sign. */
  VOUCH_KEY_STORE: z.enum(['file', 'pkcs11', 'command'], { error: 'must be file, pkcs11 or command' }).default('file'),
  /** The folder of key files; `keys` in the data folder unless set. */
  VOUCH_KEY_DIR: z.string().startsWith('/', 'must be an absolute path').optional(),
  /** A program and its first arguments, parted by spaces. */
  VOUCH_KEY_COMMAND: z.string().startsWith('/', 'must begin with the absolute path of a program').optional(),
  VOUCH_PKCS11_MODULE: z.string().startsWith('/', 'must be an absolute path').optional(),
  VOUCH_PKCS11_TOKEN: z.string().min(1).optional(),
  VOUCH_PKCS11_PIN: z.string().min(4).optional(),
  /** A bucket for evidence instead of the data folder, e.g. `https://s3.example.org/evidence`; needs the two keys. */
  VOUCH_EVIDENCE_S3_URL: httpUrl.optional(),
  VOUCH_EVIDENCE_S3_REGION: z.string().min(1).default('us-east-1'),
  VOUCH_EVIDENCE_S3_KEY_ID: z.string().min(1).optional(),
  VOUCH_EVIDENCE_S3_SECRET: z.string().min(1).optional(),
  VOUCH_HOST: z.string().min(1).default('127.0.0.1'),
  VOUCH_PORT: port,
  VOUCH_WORKER_PORT: port,
  VOUCH_PUBLIC_URL: httpUrl,
  /** Addresses of our own reverse proxies, whose X-Forwarded-For is believed; nobody's when it is not set. */
  VOUCH_TRUSTED_PROXIES: z
    .string()
    .transform((text) => text.split(',').map((part) => part.trim()))
    .pipe(z.array(z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], { error: 'must list addresses or networks' })))
    .optional(),
  /** Who presents it may read the figures at /metrics; without it there are none over HTTP. */
  VOUCH_METRICS_TOKEN: z.string().min(32, 'must have at least 32 characters').optional(),
  /** Where lab-runners reach the API. */
  VOUCH_API_URL: httpUrl,
  VOUCH_LAB_TOKEN: z.string().min(32, 'must have at least 32 characters'),
  VOUCH_LAB_NAME: z.string().min(1).max(100).default('local'),
  /** Names of profiles whose goldens are built at once, before any machine asks for them. */
  VOUCH_LAB_READY_PROFILES: z
    .string()
    .default('')
    .transform((text) => text.split(',').map((name) => name.trim()))
    .transform((names) => names.filter((name) => name !== '')),
  VOUCH_LAB_CONCURRENCY: z.coerce.number().int().min(1).max(64).default(1),
  /** Where machines with kernels of their own are run by libvirt, e.g. qemu:///system; empty: by QEMU alone. */
  VOUCH_LAB_LIBVIRT_URI: z.string().default(''),
  /** For how many days after its last use a lab keeps a golden that nobody wants any more. */
  VOUCH_LAB_KEEP_UNUSED_DAYS: z.coerce.number().int().min(1).max(3650).default(14),
  /** Where a lab-runner says how it is, at /health and /metrics; without a port, nowhere. */
  VOUCH_LAB_HOST: z.string().min(1).default('127.0.0.1'),
  VOUCH_LAB_PORT: port.optional(),
  VOUCH_LEASE_SECONDS: seconds.default(30),
  VOUCH_INTAKE_SECONDS: seconds.default(900),
  VOUCH_RECONCILE_SECONDS: seconds.default(10),
  VOUCH_DEVICE_POLL_SECONDS: seconds.default(900),
  /** Price of lab time in minor units per hour, and the fixed price of one test. */
  VOUCH_LAB_RATE_MINOR_PER_HOUR: z.coerce.number().int().min(0).default(800),
  VOUCH_LAB_FIXED_MINOR: z.coerce.number().int().min(0).default(25),
  VOUCH_CURRENCY: z
    .string()
    .regex(/^[A-Z]{3}$/, 'must be a three-letter currency code')
    .default('EUR'),
  STRIPE_SECRET_KEY: z
    .string()
    .regex(/^(sk|rk)_(test|live)_\w+$/, 'must be a Stripe secret key (sk_test_… or sk_live_…)'),
  STRIPE_WEBHOOK_SECRET: z.string().startsWith('whsec_', 'must start with whsec_'),
  /** Set only for the local stand-in; absent means Stripe itself. */
  VOUCH_STRIPE_API_URL: httpUrl.optional(),
  /** When `npm start` began, in milliseconds since 1970: the demo says how long the main job took from there. */
  VOUCH_STARTED_AT_MS: z.coerce.number().int().positive().optional(),
  /** Password of the demo's members. */
  VOUCH_DEMO_PASSWORD: z.string().min(12, 'must have at least 12 characters'),
  /** From which the demo's members make their second factor: base32. */
  VOUCH_DEMO_CODE_SECRET: z.string().regex(/^[A-Z2-7]{32,}$/, 'must be base32'),
  /** Seals secrets that must be read again (of webhooks, for instance): 32 bytes in base64. */
  VOUCH_SECRETS_KEY: z
    .base64('must be 32 bytes in base64')
    .refine((text) => Buffer.from(text, 'base64').length === 32, 'must be 32 bytes in base64'),
  /** Lets requests to addresses that others name (webhooks) go to private networks and over plain HTTP. */
  VOUCH_ALLOW_PRIVATE_NETWORK: z.stringbool('must be true or false').default(false),
  /** Requests that one API key or one session may make in a minute. */
  VOUCH_RATE_LIMIT_PER_MINUTE: z.coerce.number().int().min(1).max(1_000_000).default(600),
  /** Mail server, as a URL (smtps://user:password@host:465); absent: mails become files in the data folder. */
  VOUCH_SMTP_URL: z
    .string()
    .regex(/^smtps?:\/\/\S+$/, 'must be an smtp:// or smtps:// URL')
    .optional(),
  /** Sender of mails. */
  VOUCH_MAIL_FROM: z
    .string()
    .regex(/^[^<>\r\n]*<[^<>\s@]+@[^<>\s@]+>$/, 'must look like Vouch <vouch@example.org>')
    .default('Vouch <vouch@localhost>'),
  VOUCH_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error']).default('info'),
} as const;

type Settings = typeof settings;
export type SettingName = keyof Settings;
export type Config<K extends SettingName> = { readonly [P in K]: z.infer<Settings[P]> };

/** A setting is missing or wrong. The message is one sentence that names it, and never repeats its value. */
export class ConfigError extends Error {
  readonly code = 'config-invalid';
  constructor(name: string, problem: string) {
    super(`${name} ${problem}.`);
    this.name = 'ConfigError';
  }
}

/**
 * Reads and checks the named settings.
 * @throws ConfigError for the first that is missing or wrong
 */
export function loadConfig<K extends SettingName>(
  names: readonly K[],
  env: NodeJS.ProcessEnv = process.env,
): Config<K> {
  const config: Partial<Record<K, unknown>> = {};
  for (const name of names) {
    const raw = env[name] === '' ? undefined : env[name];
    const parsed = settings[name].safeParse(raw);
    if (!parsed.success) {
      const problem = raw === undefined ? 'is not set' : (parsed.error.issues[0]?.message ?? 'is wrong');
      throw new ConfigError(name, problem);
    }
    config[name] = parsed.data;
  }
  return config as Config<K>;
}

/** Runs a process's main function; a wrong setting ends the process with its one sentence and exit code 78 (EX_CONFIG). */
export async function runProcess(main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    if (error instanceof ConfigError) {
      process.stderr.write(`${error.message}\n`);
      process.exit(78);
    }
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  }
}
