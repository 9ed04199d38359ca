import type { PatchView } from '@vouch/contracts';
import { Badge } from './badge.js';
import { percent, time } from './format.js';
import { verdicts } from './words.js';

/** The verdict in a sentence, and beside what was covered, what was not. */
export function VerdictPanel({ patch }: { patch: PatchView }) {
  const { verdict, coverage } = patch;
  if (verdict === null) return null;
  const notCovered = [...(coverage?.notCovered ?? []), ...verdict.notCovered];
  return (
    <section className="card">
      <h3>
        Verdict <Badge tone={verdicts[verdict.result].tone}>{verdicts[verdict.result].label}</Badge>
      </h3>
      <p className="sentence">{verdict.sentence}</p>
      {verdict.reasons.length > 0 && <List title="Why" items={verdict.reasons} />}
      {verdict.cautions.length > 0 && <List title="To know" items={verdict.cautions} />}
      {coverage !== null && (
        <p className="distance">
          The lab is <strong>{percent(coverage.score)}</strong> like these machines.
          <meter min={0} max={1} value={coverage.score} aria-label="Likeness of the lab" />
        </p>
      )}
      <div className="columns">
        <List title="Tested" items={verdict.covered} />
        <List title="Not tested" items={notCovered} />
      </div>
      <p className="fine">
        Signed {time(verdict.issuedAt)}, good until {time(verdict.expiresAt)}. Statement{' '}
        <code>{verdict.statementSha256}</code>, key <code>{verdict.keyId.slice(0, 16)}</code>
      </p>
    </section>
  );
}

/** The first items stand open; the rest of a long list is one click away. */
const OPEN_ITEMS = 8;

function List({ title, items }: { title: string; items: readonly string[] }) {
  const rest = items.slice(OPEN_ITEMS);
  return (
    <div>
      <h4>
        {title} ({items.length})
      </h4>
      <Items items={items.slice(0, OPEN_ITEMS)} />
      {rest.length > 0 && (
        <details>
          <summary>and {rest.length} more</summary>
          <Items items={rest} />
        </details>
      )}
    </div>
  );
}

function Items({ items }: { items: readonly string[] }) {
  return (
    <ul>
      {items.map((item) => (
        <li key={item}>{item}</li>
      ))}
    </ul>
  );
}
