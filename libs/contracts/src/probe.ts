import { z } from 'zod';

const port = z.int().min(1).max(65535);

/**
 * One check of a machine's health, written by a technician. Runs as root inside the lab's machine and nowhere else. It
 * speaks to the machine itself, so hosts are names that the machine knows.
 */
export const Probe = z.discriminatedUnion('type', [
  z.object({ type: z.literal('service'), name: z.string(), unit: z.string() }),
  z.object({
    type: z.literal('http'),
    name: z.string(),
    url: z.url({ protocol: /^https?$/ }),
    status: z.int().default(200),
    contains: z.string().optional(),
  }),
  z.object({ type: z.literal('tcp'), name: z.string(), port, banner: z.string().optional() }),
  z.object({ type: z.literal('command'), name: z.string(), command: z.string(), contains: z.string().optional() }),
  z.object({
    type: z.literal('sql'),
    name: z.string(),
    engine: z.enum(['postgresql', 'mariadb']),
    database: z.string().default(''),
    query: z.string(),
    /** The answer, columns separated by a tab, rows by a line break. */
    equals: z.string(),
  }),
  z.object({
    type: z.literal('file'),
    name: z.string(),
    path: z.string().startsWith('/'),
    exists: z.boolean().default(true),
    contains: z.string().optional(),
    /** Octal, e.g. `0640`. */
    mode: z
      .string()
      .regex(/^[0-7]{3,4}$/)
      .optional(),
    /** `user:group` */
    owner: z
      .string()
      .regex(/^[^:]+:[^:]+$/)
      .optional(),
  }),
  z.object({
    type: z.literal('tls'),
    name: z.string(),
    port: port.default(443),
    /** The certificate must be valid for this name. */
    host: z.string(),
    minDaysLeft: z.int().min(0).default(1),
    /** File of certificates to trust instead of the system's; the chain is not checked for `any`. */
    trust: z.string().default('system'),
  }),
  z.object({
    type: z.literal('dns'),
    name: z.string(),
    server: z.string().default('127.0.0.1'),
    question: z.string(),
    record: z.enum(['A', 'AAAA', 'TXT', 'CNAME', 'MX']).default('A'),
    /** One of the answers; any answer will do without it. */
    answer: z.string().optional(),
  }),
  z.object({
    type: z.literal('smtp'),
    name: z.string(),
    port: port.default(25),
    /** Offers a mail to this address as far as the server's answer to `RCPT TO`; nothing is sent. */
    recipient: z.email().optional(),
  }),
]);
export type Probe = z.infer<typeof Probe>;
