import type { VerdictView } from '@vouch/contracts';
import type { Tx } from '@vouch/platform';

interface VerdictRow {
  id: string;
  run_id: string;
  result: VerdictView['result'];
  sentence: string;
  reasons: string[];
  covered: string[];
  not_covered: string[];
  reversible: boolean | null;
  cautions: string[];
  statement_sha256: string;
  key_id: string;
  issued_at: Date;
  expires_at: Date;
}

/** Verdicts by run id. */
export async function loadVerdictViews(tx: Tx, runIds: readonly string[]): Promise<Map<string, VerdictView>> {
  const rows = await tx.query<VerdictRow>(
    `select id, run_id, result, sentence, reasons, covered, not_covered, reversible, cautions, statement_sha256, key_id, issued_at, expires_at
       from lab_verdict where run_id = any ($1::uuid[])`,
    [runIds],
  );
  return new Map(
    rows.map((row) => [
      row.run_id,
      {
        id: row.id,
        result: row.result,
        sentence: row.sentence,
        reasons: row.reasons,
        covered: row.covered,
        notCovered: row.not_covered,
        reversible: row.reversible,
        cautions: row.cautions,
        statementSha256: row.statement_sha256,
        keyId: row.key_id,
        issuedAt: row.issued_at.toISOString(),
        expiresAt: row.expires_at.toISOString(),
      },
    ]),
  );
}
