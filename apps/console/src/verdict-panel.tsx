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

function List({ title, items }: { title: string; items: readonly string[] }) {
  return (
    <div>
      <h4>{title}</h4>
      <ul>
        {items.map((item) => (
          <li key={item}>{item}</li>
        ))}
      </ul>
    </div>
  );
}
