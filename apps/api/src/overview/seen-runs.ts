import { reachOf, scopeOf, type CallerContext } from '@vouch/identity';
import { shared, type Database } from '@vouch/platform';
import { needed } from '../rest/patches.listings.js';

/**
 * Which test runs a caller may see: those of patches that machines of their tenants need or needed. Runs hold no tenant's
 * data, but which patch is tested tells what others have. The operator, who runs the lab, sees all.
 */
export class SeenRuns {
  constructor(private readonly database: Database) {}

  hasRun(caller: CallerContext, runId: string): Promise<boolean> {
    return this.find(caller, 'r.id = $1', runId);
  }

  hasEvidence(caller: CallerContext, sha256: string): Promise<boolean> {
    return this.find(caller, 'r.evidence @> $1::jsonb', JSON.stringify([{ sha256 }]));
  }

  private async find(caller: CallerContext, which: string, value: string): Promise<boolean> {
    const all = reachOf(caller.role, 'evidence:read') === 'all';
    const found = await this.database.read(
      all ? shared : scopeOf(caller),
      `select 1 from lab_test_run r where ${which} ${all ? '' : `and ${needed('r.revision_id')}`} limit 1`,
      [value],
    );
    return found.length > 0;
  }
}
