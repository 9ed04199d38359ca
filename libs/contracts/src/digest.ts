import { z } from 'zod';

/** SHA-256 of some bytes: 64 lower-case hexadecimal digits. */
export const Sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hexadecimal digits');
export type Sha256 = z.infer<typeof Sha256>;

/** A point in time: ISO 8601, UTC. */
export const Timestamp = z.iso.datetime();
export type Timestamp = z.infer<typeof Timestamp>;

/** One file of a revision, named as the vendor names it and bound to its bytes. */
export const Artefact = z.object({
  package: z.string().min(1),
  version: z.string().min(1),
  architecture: z.string().min(1),
  fileName: z.string().min(1),
  sizeBytes: z.int().nonnegative(),
  sha256: Sha256,
});
export type Artefact = z.infer<typeof Artefact>;

/** An installed package: binary package with version, and the source package that it was built from. */
export const Component = z.object({
  package: z.string().min(1).max(200),
  version: z.string().min(1).max(200),
  architecture: z.string().min(1).max(40),
  source: z.string().min(1).max(200),
  sourceVersion: z.string().min(1).max(200),
});
export type Component = z.infer<typeof Component>;
