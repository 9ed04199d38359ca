import { z } from 'zod';
import { Timestamp } from '../digest.js';
import { exampleIds as id, PlainText } from './page.js';
import { exampleOfPatch } from './patches.js';

/** Why somebody does something, for whoever reads it later. */
const Why = PlainText.min(1).max(500);

export const Urgency = z.enum(['routine', 'security', 'exploited']);
export type Urgency = z.infer<typeof Urgency>;

const entry = {
  id: id.run,
  ...exampleOfPatch,
  profile: 'Web server with database',
  driver: 'sandbox',
  state: 'queued' as const,
  urgency: 'security' as const,
  machines: 12,
  origins: 3,
  attempt: 0,
  runner: null,
  queuedAt: '2026-01-06T06:01:00.000Z',
  startedAt: null,
};
const QueuedRun = z.object({
  id: z.uuid(),
  revisionId: z.uuid(),
  patch: z.string(),
  version: z.string(),
  profile: z.string(),
  driver: z.string(),
  state: z.enum(['queued', 'leased', 'running']),
  urgency: Urgency,
  machines: z.int().nonnegative().meta({ description: 'How many machines wait for it.' }),
  origins: z.int().nonnegative().meta({ description: 'How many MSPs want it; the lab does not know which.' }),
  attempt: z.int().nonnegative(),
  runner: z.string().nullable(),
  queuedAt: Timestamp,
  startedAt: Timestamp.nullable(),
});

const JudgedRun = z.object({
  id: z.uuid(),
  revisionId: z.uuid(),
  patch: z.string(),
  version: z.string(),
  profile: z.string(),
  driver: z.string(),
  result: z.enum(['pass', 'fail', 'inconclusive']),
  sentence: z.string(),
  judgedAt: Timestamp,
  repeatAsked: z.boolean().meta({ description: 'An operator wants it done again; no later test of it was made yet.' }),
});

const LabHost = z.object({
  name: z.string(),
  state: z.enum(['ready', 'preparing', 'unavailable']),
  reason: z.string(),
  lastSeenAt: Timestamp,
  drivers: z.array(
    z.object({ name: z.string(), fidelity: z.enum(['full', 'reduced']), capacity: z.int().nullable(), busy: z.int() }),
  ),
});

const ExploitedPatch = z.object({
  revisionId: z.uuid(),
  patch: z.string(),
  sourceId: z.string(),
  note: z.string(),
  since: Timestamp,
});

export const LabQueue = z
  .object({
    waiting: z.int().nonnegative(),
    runs: z
      .array(QueuedRun)
      .meta({ description: 'What is being tested, then the most urgent that wait; at most 500.' }),
    judged: z.array(JudgedRun).meta({
      description: 'The newest tests that have a verdict, without those that were done again since; at most 20.',
    }),
    hosts: z.array(LabHost),
    exploited: z.array(ExploitedPatch),
  })
  .meta({
    id: 'LabQueue',
    examples: [
      {
        waiting: 1,
        runs: [entry],
        judged: [
          {
            id: id.run,
            ...exampleOfPatch,
            profile: 'Web server with database',
            driver: 'sandbox',
            result: 'pass' as const,
            sentence: 'Everything that ran before still runs.',
            judgedAt: '2026-01-06T06:00:00.000Z',
            repeatAsked: false,
          },
        ],
        hosts: [
          {
            name: 'local',
            state: 'ready',
            reason: '',
            lastSeenAt: '2026-01-06T06:01:00.000Z',
            drivers: [{ name: 'sandbox', fidelity: 'full', capacity: 2, busy: 0 }],
          },
        ],
        exploited: [
          {
            revisionId: exampleOfPatch.revisionId,
            patch: 'nginx',
            sourceId: 'debian-12-amd64-security',
            note: 'Seen in the wild by two of our customers',
            since: '2026-01-06T06:00:00.000Z',
          },
        ],
      },
    ],
  });
export type LabQueue = z.infer<typeof LabQueue>;

export const RunCancellation = z
  .strictObject({ why: Why })
  .meta({ id: 'RunCancellation', examples: [{ why: 'The vendor has withdrawn it' }] });
export type RunCancellation = z.infer<typeof RunCancellation>;

export const ExploitationNote = z
  .strictObject({ note: Why })
  .meta({ id: 'ExploitationNote', examples: [{ note: 'Listed as known to be exploited since yesterday' }] });
export type ExploitationNote = z.infer<typeof ExploitationNote>;
