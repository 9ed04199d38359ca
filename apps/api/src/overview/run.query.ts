import type { Artefact, DsseEnvelope, RunDetail, RunObservations } from '@vouch/contracts';
import { artefactsOfRun } from '@vouch/lab';
import { shared, type Database } from '@vouch/platform';
import { loadRunViews } from './run-views.js';
import { loadVerdictViews } from './verdict-views.js';

/** One run with everything that it left behind, for whom `SeenRuns` lets see it: it holds no tenant's data. */
export class RunQuery {
  constructor(private readonly database: Database) {}

  async read(id: string): Promise<RunDetail | null> {
    return this.database.transaction(shared, async (tx) => {
      const [row] = await tx.query<{
        patch: string;
        version: string;
        observations: RunObservations | null;
        evidence: RunDetail['evidence'];
        envelope: DsseEnvelope | null;
      }>(
        `select p.external_id as patch, v.version, r.observations, r.evidence, j.envelope
           from lab_test_run r join catalog_revision v on v.id = r.revision_id join catalog_patch p on p.id = v.patch_id
           left join lab_verdict j on j.run_id = r.id where r.id = $1`,
        [id],
      );
      const [run] = (await loadRunViews(tx, [id])).values();
      if (!row || !run) return null;
      const verdicts = await loadVerdictViews(tx, [id]);
      return {
        run,
        patch: row.patch,
        version: row.version,
        artefacts: (await artefactsOfRun(tx, id)).map(withoutArchitecture),
        packageDiff: row.observations?.packageDiff ?? [],
        fileDiff: row.observations?.fileDiff ?? [],
        evidence: row.evidence,
        verdict: verdicts.get(id) ?? null,
        envelope: row.envelope,
      };
    });
  }
}

function withoutArchitecture({ architecture: _, ...file }: Artefact): RunDetail['artefacts'][number] {
  return file;
}
