import { useEffect, useState } from 'react';
import type { RunDetail } from '@vouch/contracts';
import { api } from './api.js';
import { plural } from './format.js';

/** What a finished run left behind: the files by digest, what changed, the checks, the logs. */
export function EvidencePanel({ runId, finished }: { runId: string; finished: boolean }) {
  const [detail, setDetail] = useState<RunDetail | null>(null);
  useEffect(() => {
    let current = true;
    setDetail(null);
    if (finished) {
      api.run(runId).then(
        (found) => current && setDetail(found),
        () => undefined,
      );
    }
    return () => {
      current = false;
    };
  }, [runId, finished]);
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
      <Checks detail={detail} />
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

/** Each check before the patch, after it, and after the restart. */
function Checks({ detail }: { detail: RunDetail }) {
  const rounds = detail.run.steps.filter((step) => step.probes.length > 0);
  const names = [...new Set(rounds.flatMap((round) => round.probes.map((probe) => probe.name)))];
  const cell = (round: (typeof rounds)[number], name: string) => {
    const probe = round.probes.find((p) => p.name === name);
    if (!probe) return '—';
    return (
      <span key={round.step} className={probe.ok ? 'good-text' : 'bad-text'} title={probe.detail}>
        {probe.ok ? 'good' : 'bad'}
      </span>
    );
  };
  return (
    <details>
      <summary>
        {plural(names.length, 'check')}, {plural(rounds.length, 'time')}
      </summary>
      <Table
        head={['Check', 'Before', 'After', 'After restart']}
        rows={names.map((name) => [name, ...rounds.map((round) => cell(round, name))])}
      />
    </details>
  );
}

function Table({ head, rows }: { head: readonly string[]; rows: readonly (readonly React.ReactNode[])[] }) {
  return (
    <div className="scroll">
      <table>
        <thead>
          <tr>
            {head.map((title) => (
              <th key={title} scope="col">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, i) => (
            <tr key={i}>
              {row.map((cell, j) => (
                <td key={j}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
