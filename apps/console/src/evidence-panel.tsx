import { useEffect, useState } from 'react';
import type { RunDetail } from '@vouch/contracts';
import { api } from './api.js';
import { ChecksTable } from './checks-table.js';
import { plural } from './format.js';
import { Table } from './table.js';

/** What a finished run left behind: the files by digest, what changed, the checks, the logs. */
export function EvidencePanel({ runId, finished }: { runId: string; finished: boolean }) {
  const [detail, setDetail] = useState<RunDetail | null>(null);
  const [error, setError] = useState('');
  useEffect(() => {
    let current = true;
    setDetail(null);
    setError('');
    if (finished) {
      api.run(runId).then(
        (found) => current && setDetail(found),
        (reason: unknown) => current && setError(reason instanceof Error ? reason.message : 'No answer.'),
      );
    }
    return () => {
      current = false;
    };
  }, [runId, finished]);
  if (error !== '') return <p role="alert" className="card error">{`The evidence cannot be shown: ${error}`}</p>;
  if (detail === null) return null;
  return (
    <section className="card">
      <h3>Evidence</h3>
      <Table
        head={['File', 'SHA-256 of the tested bytes']}
        rows={detail.artefacts.map((a) => [a.fileName.split('/').at(-1) ?? '', <code key="d">{a.sha256}</code>])}
      />
      <details>
        <summary>{plural(detail.packageDiff.length, 'package')} changed</summary>
        <Table
          head={['Package', 'Before', 'After']}
          rows={detail.packageDiff.map((c) => [c.package, c.from ?? '—', c.to ?? '—'])}
        />
      </details>
      <details>
        <summary>{plural(detail.fileDiff.length, 'file')} changed</summary>
        <ul className="files">
          {detail.fileDiff.slice(0, 200).map((file) => (
            <li key={file.path}>
              <code>{file.path}</code> {file.change === 'removed' ? 'removed' : ''}
            </li>
          ))}
        </ul>
        {detail.fileDiff.length > 200 && <p className="fine">and {detail.fileDiff.length - 200} more</p>}
      </details>
      <ChecksTable run={detail.run} />
      <details>
        <summary>{plural(detail.evidence.length, 'log')} and the signed statement</summary>
        <ul>
          {detail.evidence.map((item) => (
            <li key={item.name}>
              <a href={`/api/v1/evidence/${item.sha256}`}>{item.name}</a> <small>{item.sizeBytes} bytes</small>
            </li>
          ))}
        </ul>
        {detail.envelope !== null && <pre tabIndex={0}>{JSON.stringify(detail.envelope, null, 1)}</pre>}
      </details>
    </section>
  );
}
