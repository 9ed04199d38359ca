import type { PatchView } from '@vouch/contracts';
import { Badge } from './badge.js';
import { plural } from './format.js';
import { stages } from './words.js';

interface Props {
  readonly patches: readonly PatchView[];
  readonly selected: string | null;
  readonly onSelect: (revisionId: string) => void;
}

export function PatchList({ patches, selected, onSelect }: Props) {
  return (
    <nav className="patches" aria-label="Patches">
      <h2>Patches your machines need</h2>
      {patches.length === 0 && (
        <p className="empty">None yet. They appear here as soon as machines have said what they run.</p>
      )}
      <ul>
        {patches.map((patch) => (
          <li key={patch.revisionId}>
            <button aria-current={patch.revisionId === selected} onClick={() => onSelect(patch.revisionId)}>
              <span className="name">{patch.patch}</span>
              <Badge tone={stages[patch.stage].tone}>{stages[patch.stage].label}</Badge>
              <span className="version">{patch.version}</span>
              <small>
                {patch.devicesNeeding > 0
                  ? `${plural(patch.devicesNeeding, 'machine')} of ${plural(patch.tenantsNeeding, 'customer')} wait`
                  : `on ${plural(patch.devicesInstalled, 'machine')}`}
              </small>
            </button>
          </li>
        ))}
      </ul>
    </nav>
  );
}
