import type { RunView } from '@vouch/contracts';
import { plural } from './format.js';
import { Table } from './table.js';

type Step = RunView['steps'][number];

const ROUNDS: readonly { readonly step: Step['step']; readonly title: string }[] = [
  { step: 'baseline', title: 'Before' },
  { step: 'probe-after-apply', title: 'After' },
  { step: 'probe-after-reboot', title: 'After restart' },
  { step: 'probe-after-way-back', title: 'Taken back' },
];

/** Each check before the patch, after it, after the restart, and taken back; a dash where it was not made. */
export function ChecksTable({ run }: { run: RunView }) {
  const steps = ROUNDS.map(({ step }) => run.steps.find((candidate) => candidate.step === step));
  const names = [...new Set(steps.flatMap((step) => step?.probes.map((probe) => probe.name) ?? []))];
  const made = steps.filter((step) => step !== undefined && step.probes.length > 0).length;
  return (
    <details>
      <summary>
        {plural(names.length, 'check')}, {plural(made, 'time')}
      </summary>
      <Table
        head={['Check', ...ROUNDS.map((round) => round.title)]}
        rows={names.map((name) => [name, ...steps.map((step, i) => <Result key={i} step={step} name={name} />)])}
      />
    </details>
  );
}

function Result({ step, name }: { step: Step | undefined; name: string }) {
  const probe = step?.probes.find((candidate) => candidate.name === name);
  if (!probe) return '—';
  if (probe.ok) return <span className="good-text">good</span>;
  return (
    <span className="bad-text">
      bad <small>{probe.detail}</small>
    </span>
  );
}
