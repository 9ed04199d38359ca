import type { Patch, TestRun, Verdict } from '@vouch/contracts';
import { iso, isoOrNull, type Listing } from '../listing/lists.js';

/** Only what a tenant in scope needs or needed: what others need is not to be seen. */
export const needed = (revision: string): string =>
  `exists (select 1 from fleet_need n where n.revision_id = ${revision})`;

interface OfPatch {
  revision_id: string;
  patch: string;
  version: string;
}
export const ofPatch = ({
  revision_id,
  patch,
  version,
}: OfPatch): { revisionId: string; patch: string; version: string } => ({
  revisionId: revision_id,
  patch,
  version,
});

interface PatchRow extends OfPatch {
  source_id: string;
  state: Patch['state'];
  reason: string;
  fetched_at: Date;
}

export const patchListing: Listing<PatchRow, Patch> = {
  name: 'patches',
  select: 'v.id as revision_id, p.external_id as patch, v.version, p.source_id, v.state, v.reason, s.fetched_at',
  from: `from catalog_revision v join catalog_patch p on p.id = v.patch_id join catalog_snapshot s on s.id = v.first_snapshot
    where ${needed('v.id')}`,
  sort: { sql: 's.fetched_at', type: 'timestamptz' },
  id: { sql: 'v.id', type: 'uuid' },
  filters: { patch: 'p.external_id = ?', sourceId: 'p.source_id = ?', state: 'v.state = ?' },
  view: (row) => ({
    ...ofPatch(row),
    sourceId: row.source_id,
    state: row.state,
    reason: row.reason,
    firstSeenAt: iso(row.fetched_at),
  }),
};

interface RunRow extends OfPatch {
  id: string;
  profile: string;
  golden_digest: string;
  driver: string | null;
  state: TestRun['state'];
  attempt: number;
  result: TestRun['result'];
  queued_at: Date;
  started_at: Date | null;
  finished_at: Date | null;
}

export const runListing: Listing<RunRow, TestRun> = {
  name: 'runs',
  select: `r.id, r.revision_id, p.external_id as patch, v.version, f.title as profile, r.golden_digest,
    r.observations->>'driver' as driver, r.state, r.attempt, j.result, r.queued_at, r.started_at, r.finished_at`,
  from: `from lab_test_run r join lab_profile f on f.digest = r.profile_digest join catalog_revision v on v.id = r.revision_id
    join catalog_patch p on p.id = v.patch_id left join lab_verdict j on j.run_id = r.id where ${needed('r.revision_id')}`,
  sort: { sql: 'r.queued_at', type: 'timestamptz' },
  id: { sql: 'r.id', type: 'uuid' },
  filters: { revisionId: 'r.revision_id = ?', state: 'r.state = ?' },
  view: (row) => ({
    id: row.id,
    ...ofPatch(row),
    profile: row.profile,
    goldenDigest: row.golden_digest,
    driver: row.driver,
    state: row.state,
    attempt: row.attempt,
    result: row.result,
    queuedAt: iso(row.queued_at),
    startedAt: isoOrNull(row.started_at),
    finishedAt: isoOrNull(row.finished_at),
  }),
};

interface VerdictRow extends OfPatch {
  id: string;
  run_id: string;
  result: Verdict['result'];
  sentence: string;
  reasons: string[];
  covered: string[];
  not_covered: string[];
  golden_digest: string;
  statement_sha256: string;
  key_id: string;
  issued_at: Date;
  expires_at: Date;
}

export const verdictListing: Listing<VerdictRow, Verdict> = {
  name: 'verdicts',
  select: `j.id, j.run_id, j.revision_id, p.external_id as patch, v.version, j.result, j.sentence, j.reasons, j.covered,
    j.not_covered, j.golden_digest, j.statement_sha256, j.key_id, j.issued_at, j.expires_at`,
  from: `from lab_verdict j join catalog_revision v on v.id = j.revision_id join catalog_patch p on p.id = v.patch_id
    where ${needed('j.revision_id')}`,
  sort: { sql: 'j.issued_at', type: 'timestamptz' },
  id: { sql: 'j.id', type: 'uuid' },
  filters: { revisionId: 'j.revision_id = ?', runId: 'j.run_id = ?', result: 'j.result = ?' },
  view: (row) => ({
    id: row.id,
    runId: row.run_id,
    ...ofPatch(row),
    result: row.result,
    sentence: row.sentence,
    reasons: row.reasons,
    covered: row.covered,
    notCovered: row.not_covered,
    goldenDigest: row.golden_digest,
    statementSha256: row.statement_sha256,
    keyId: row.key_id,
    issuedAt: iso(row.issued_at),
    expiresAt: iso(row.expires_at),
  }),
};
