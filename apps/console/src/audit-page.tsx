import { useCallback, useEffect, useState } from 'react';
import type { AuditEntry, TenantView } from '@vouch/contracts';
import { api } from './api.js';
import { time } from './format.js';
import { programs } from './programs-api.js';
import { Table } from './table.js';

interface Props {
  /** Null for who sees the whole installation. */
  readonly tenants: readonly TenantView[] | null;
  /** Whether members may be looked up, so that they can be shown by name. */
  readonly members?: boolean;
}

/** Who did what, newest first; and with its signatures, as a file. */
export function AuditTrailPage({ tenants, members = false }: Props) {
  const [entries, setEntries] = useState<readonly AuditEntry[]>([]);
  const [next, setNext] = useState<string | null>(null);
  const [action, setAction] = useState('');
  const [error, setError] = useState('');
  const [names, setNames] = useState<ReadonlyMap<string, string>>(new Map());
  useEffect(() => {
    if (members)
      void api.members().then(
        (found) => setNames(new Map(found.map(({ id, name }) => [`member:${id}`, name]))),
        () => undefined,
      );
  }, [members]);
  const load = useCallback((wanted: string, cursor: string | null) => {
    programs.audit(wanted, cursor).then(
      (page) => {
        setEntries((before) => (cursor === null ? page.items : [...before, ...page.items]));
        setNext(page.next);
        setError('');
      },
      (reason: unknown) => setError(reason instanceof Error ? reason.message : 'The trail could not be read.'),
    );
  }, []);
  useEffect(() => load(action, null), [load, action]);
  const known = [...new Set([...entries.map((entry) => entry.action), ...(action === '' ? [] : [action])])].sort();
  return (
    <section className="card audit">
      <h2>Audit trail</h2>
      <p>
        Entries cannot be changed: each holds the digest of the one before, and the end is signed again and again.{' '}
        <a href="/api/v1/audit/export" download>
          {tenants === null ? 'Download the whole chain' : 'Download the chains of each customer'}
        </a>{' '}
        to check that with <code>npm run audit -- verify</code>.
      </p>
      <label>
        Show{' '}
        <select value={action} onChange={({ target }) => setAction(target.value)}>
          <option value="">everything</option>
          {known.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      {error !== '' && <p role="alert">{error}</p>}
      <Table
        head={['When', 'Who', 'What', 'To what', 'Why', 'From', 'Details']}
        rows={entries.map((entry) => [
          time(entry.at),
          <Short text={entry.actor} names={names} />,
          entry.action,
          <>
            <Short text={entry.subject} names={names} />
            {entry.tenantId !== null && <small> {tenants?.find(({ id }) => id === entry.tenantId)?.name ?? ''}</small>}
          </>,
          entry.why,
          entry.from ?? '',
          <Change entry={entry} />,
        ])}
      />
      {next !== null && <button onClick={() => load(action, next)}>Older entries</button>}
    </section>
  );
}

/** Ids are long; their beginning tells them apart, and the whole is there for who points at it. */
function Short({ text, names }: { text: string; names: ReadonlyMap<string, string> }) {
  const name = names.get(text);
  if (name !== undefined) return <span title={text}>{name}</span>;
  const [kind = '', id] = text.split(':');
  if (id === undefined || id.length <= 12) return text;
  return (
    <span title={text}>
      {kind}:{id.slice(0, 8)}…
    </span>
  );
}

function Change({ entry }: { entry: AuditEntry }) {
  if (Object.keys(entry.detail).length === 0) return '';
  return (
    <details>
      <summary>show</summary>
      <pre>{JSON.stringify(entry.detail, null, 2)}</pre>
    </details>
  );
}
