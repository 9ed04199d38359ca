import { z } from 'zod';
import { Sha256 } from '../digest.js';
import { type Profile } from '../profile.js';
import { PlainText } from './page.js';

const digest = 'a3f5b7a09d3e4f6a8b2c0d1e7f93a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5';
const source = `name: time-clock
title: Time clock with its database
stream: debian-12-amd64
components:
  - package: nginx
probes:
  - type: http
    name: time clock answers
    url: http://127.0.0.1/
`;
const known = {
  digest,
  name: 'time-clock',
  title: 'Time clock with its database',
  stream: 'debian-12-amd64',
  origin: 'added' as const,
  state: 'active' as const,
  wanted: true,
  goldens: [{ driver: 'sandbox', state: 'ready', reason: '' }],
};

export const LabProfile = z
  .object({
    digest: Sha256.meta({ description: 'Names the profile by what it says.' }),
    name: z.string(),
    title: z.string(),
    stream: z.string(),
    origin: z.enum(['built-in', 'added']),
    state: z.enum(['active', 'replaced', 'withdrawn']),
    wanted: z.boolean().meta({ description: 'Whether its golden is to be built.' }),
    goldens: z.array(z.object({ driver: z.string(), state: z.string(), reason: z.string() })),
  })
  .meta({ id: 'LabProfile', description: 'A declared lab environment.', examples: [known] });
export type LabProfile = z.infer<typeof LabProfile>;

export const LabProfiles = z
  .object({ items: z.array(LabProfile) })
  .meta({ id: 'LabProfiles', examples: [{ items: [known] }] });
export type LabProfiles = z.infer<typeof LabProfiles>;

const definition: z.input<typeof Profile> = {
  name: known.name,
  title: known.title,
  stream: known.stream,
  components: [{ package: 'nginx' }],
  files: [],
  seed: [],
  probes: [{ type: 'http', name: 'time clock answers', url: 'http://127.0.0.1/' }],
};
export const LabProfileDetail = LabProfile.extend({
  definition: z.record(z.string(), z.unknown()).meta({ description: 'What it says.' }),
  source: z.string().nullable().meta({ description: 'As it was written; null for one that comes with the product.' }),
}).meta({ id: 'LabProfileDetail', examples: [{ ...known, definition, source }] });
export type LabProfileDetail = z.infer<typeof LabProfileDetail>;

/** YAML has line ends, and PlainText has none. */
const Source = z.string().min(1).max(60_000).meta({ description: 'YAML 1.2, without anchors and tags.' });
export const NewLabProfile = z
  .strictObject({
    source: Source,
    wanted: z.boolean().optional().meta({ description: 'Build its golden now, and not when machines resemble it.' }),
  })
  .meta({ id: 'NewLabProfile', examples: [{ source, wanted: true }] });
export type NewLabProfile = z.infer<typeof NewLabProfile>;
export const LabProfileText = z.strictObject({ source: Source }).meta({ id: 'LabProfileText', examples: [{ source }] });
export type LabProfileText = z.infer<typeof LabProfileText>;
export const CheckedLabProfile = z
  .object({ digest: Sha256, definition: z.record(z.string(), z.unknown()) })
  .meta({ id: 'CheckedLabProfile', examples: [{ digest, definition }] });
export type CheckedLabProfile = z.infer<typeof CheckedLabProfile>;

export const ProfileWithdrawal = z
  .strictObject({ why: PlainText.min(1).max(500) })
  .meta({ id: 'ProfileWithdrawal', examples: [{ why: 'The time clock was replaced' }] });
export type ProfileWithdrawal = z.infer<typeof ProfileWithdrawal>;
