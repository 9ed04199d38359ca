import type { Artefact } from '@vouch/contracts';
import { shared, type Database } from '@vouch/platform';
import { compareDebianVersions } from './domain/debian-version.js';

/** The newest revision of a source package that a stream's sources offer. */
export interface Offer {
  readonly revisionId: string;
  readonly source: string;
  readonly version: string;
  readonly artefacts: readonly Artefact[];
}

interface OfferRow {
  revision_id: string;
  source: string;
  version: string;
  artefacts: Artefact[];
}

/** What the catalog offers, by version order over all sources of a stream: a suite's name never implies newer. */
export class NewestOffers {
  constructor(private readonly database: Database) {}

  /** All our streams are Debian's family so far, and have its version order. */
  compare(_stream: string): (a: string, b: string) => number {
    return compareDebianVersions;
  }

  async newest(stream: string, sources: readonly string[]): Promise<ReadonlyMap<string, Offer>> {
    const rows = await this.database.read<OfferRow>(
      shared,
      `select r.id as revision_id, p.external_id as source, r.version,
              json_agg(json_build_object('package', a.package, 'version', a.version, 'architecture', a.architecture,
                'fileName', a.file_name, 'sizeBytes', a.size_bytes, 'sha256', a.sha256)) as artefacts
         from catalog_patch p
         join catalog_source s on s.id = p.source_id and s.stream = $1
         join catalog_revision r on r.patch_id = p.id and r.state = 'offered'
         join catalog_artefact a on a.revision_id = r.id
        where p.external_id = any ($2::text[]) group by r.id, p.external_id order by r.id`,
      [stream, sources],
    );
    const newest = new Map<string, Offer>();
    for (const { revision_id: revisionId, source, version, artefacts } of rows) {
      const known = newest.get(source);
      if (known === undefined || compareDebianVersions(version, known.version) > 0) {
        newest.set(source, { revisionId, source, version, artefacts });
      }
    }
    return newest;
  }
}
