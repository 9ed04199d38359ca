import { setImmediate } from 'node:timers/promises';
import { idOf, publish, type Tx } from '@vouch/platform';
import { compareDebianVersions } from './domain/debian-version.js';
import type { IndexedPackage } from './domain/packages-index.js';
import { revisionsOf, type OfferedRevision } from './domain/revision.js';
import type { FeedSnapshot } from './feed.port.js';

/** How many rows go in one statement: large enough to be quick, small enough not to hold the process for long. */
const BATCH = 2000;

export interface StoredSnapshot {
  readonly snapshotId: string;
  readonly revisions: number;
  readonly appeared: number;
  readonly replaced: number;
  readonly vanished: number;
}

/**
 * Stores a complete, verified snapshot in the open transaction: the snapshot, revisions that are new, the newest
 * sighting of those that are not, and what is offered no longer. History is only added to.
 */
export async function storeSnapshot(
  tx: Tx,
  sourceId: string,
  snapshot: FeedSnapshot,
  fetchedAt: Date,
  correlationId: string,
): Promise<StoredSnapshot> {
  const snapshotId = idOf('snapshot', sourceId, snapshot.indexSha256);
  const revisions = revisionsOf(await readInTurns(snapshot.packages()));
  await tx.query(
    `insert into catalog_snapshot (id, source_id, index_sha256, release_date, valid_until, fetched_at, package_count, signed_by)
     values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing`,
    [
      snapshotId,
      sourceId,
      snapshot.indexSha256,
      snapshot.release.date,
      snapshot.release.validUntil,
      fetchedAt,
      revisions.reduce((sum, revision) => sum + revision.artefacts.length, 0),
      snapshot.signedBy,
    ],
  );
  let appeared = 0;
  for (let from = 0; from < revisions.length; from += BATCH) {
    appeared += await storeBatch(tx, sourceId, snapshotId, revisions.slice(from, from + BATCH));
  }
  const replaced = await markReplaced(tx, sourceId, snapshotId);
  const vanished = await markVanished(tx, sourceId, snapshotId);
  await publish(tx, { topic: 'catalog.snapshot-stored', payload: { sourceId, snapshotId }, correlationId });
  return { snapshotId, revisions: revisions.length, appeared, replaced, vanished };
}

/** Reads the index bit by bit: a large suite takes a second, in which the process has other things to answer too. */
async function readInTurns(packages: Iterable<IndexedPackage>): Promise<IndexedPackage[]> {
  const read: IndexedPackage[] = [];
  for (const item of packages) {
    read.push(item);
    if (read.length % BATCH === 0) await setImmediate();
  }
  return read;
}

const patchId = (sourceId: string, externalId: string): string => idOf('patch', sourceId, externalId);
const revisionId = (sourceId: string, revision: OfferedRevision): string =>
  idOf('revision', sourceId, revision.externalId, revision.version, revision.metadataSha256, revision.artefactsSha256);

async function storeBatch(
  tx: Tx,
  sourceId: string,
  snapshotId: string,
  batch: readonly OfferedRevision[],
): Promise<number> {
  const ids = batch.map((revision) => revisionId(sourceId, revision));
  const patchIds = batch.map((revision) => patchId(sourceId, revision.externalId));
  await tx.query(
    `insert into catalog_patch (id, source_id, external_id)
     select distinct on (p.id) p.id, $1, p.name from unnest($2::uuid[], $3::text[]) as p (id, name) on conflict do nothing`,
    [sourceId, patchIds, batch.map((revision) => revision.externalId)],
  );
  const made = await tx.query<{ id: string; is_new: boolean }>(
    `insert into catalog_revision (id, patch_id, version, metadata_sha256, artefacts_sha256, first_snapshot, last_snapshot)
     select r.id, r.patch_id, r.version, r.metadata, r.artefacts, $6, $6
       from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[]) as r (id, patch_id, version, metadata, artefacts)
     on conflict (id) do update set last_snapshot = excluded.last_snapshot,
       state = case catalog_revision.state when 'vanished' then 'offered' else catalog_revision.state end,
       reason = case catalog_revision.state when 'vanished' then '' else catalog_revision.reason end
     returning id, (xmax = 0) as is_new`,
    [
      ids,
      patchIds,
      batch.map((revision) => revision.version),
      batch.map((revision) => revision.metadataSha256),
      batch.map((revision) => revision.artefactsSha256),
      snapshotId,
    ],
  );
  const fresh = new Set(made.filter((row) => row.is_new).map((row) => row.id));
  const artefacts = batch.flatMap((revision, i) => {
    const id = ids[i] ?? '';
    return fresh.has(id) ? revision.artefacts.map((artefact) => ({ id, ...artefact })) : [];
  });
  await tx.query(
    `insert into catalog_artefact (revision_id, package, version, architecture, file_name, size_bytes, sha256, stanza)
     select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::text[])
     on conflict do nothing`,
    [
      artefacts.map((a) => a.id),
      artefacts.map((a) => a.package),
      artefacts.map((a) => a.version),
      artefacts.map((a) => a.architecture),
      artefacts.map((a) => a.fileName),
      artefacts.map((a) => a.sizeBytes),
      artefacts.map((a) => a.sha256),
      artefacts.map((a) => a.stanza),
    ],
  );
  return fresh.size;
}

/** Same name and version, other bytes: whatever was approved before was approved for other bytes. */
async function markReplaced(tx: Tx, sourceId: string, snapshotId: string): Promise<number> {
  const rows = await tx.query(
    `update catalog_revision old set state = 'replaced',
            reason = 'The vendor put other files under the same version ' || old.version || '.'
       from catalog_revision fresh, catalog_patch p
      where p.source_id = $1 and old.patch_id = p.id and fresh.patch_id = p.id and fresh.last_snapshot = $2
        and fresh.version = old.version and old.last_snapshot <> $2 and old.state = 'offered'
     returning old.id`,
    [sourceId, snapshotId],
  );
  return rows.length;
}

/**
 * Offered before, not in this complete snapshot, and followed by nothing newer in it: the vendor pulled it. One that a
 * newer version follows is merely superseded, and what was approved of it stays good.
 */
async function markVanished(tx: Tx, sourceId: string, snapshotId: string): Promise<number> {
  const missing = await tx.query<{ id: string; version: string; now_offered: string[] }>(
    `select old.id, old.version,
            array(select r.version from catalog_revision r where r.patch_id = old.patch_id and r.last_snapshot = $2) as now_offered
       from catalog_revision old join catalog_patch p on p.id = old.patch_id
      where p.source_id = $1 and old.last_snapshot <> $2 and old.state = 'offered'`,
    [sourceId, snapshotId],
  );
  const pulled = missing.filter(
    (old) => !old.now_offered.some((version) => compareDebianVersions(version, old.version) > 0),
  );
  await tx.query(
    `update catalog_revision set state = 'vanished', reason = 'The vendor offers version ' || version || ' no longer.'
      where id = any ($1::uuid[])`,
    [pulled.map((old) => old.id)],
  );
  return pulled.length;
}
