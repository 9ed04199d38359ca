import { useEffect, useState } from 'react';
import type { RunView } from '@vouch/contracts';
import { plural, seconds } from './format.js';
import { RunOutputView } from './run-output.js';
import { steps } from './words.js';

/** The steps of a test as they happen. */
export function RunSteps({ run }: { run: RunView }) {
  const running = run.steps.some((step) => step.state === 'running');
  const now = useNow(running);
  return (
    <section className="card">
      <h3>
        Test run{' '}
        <small>
          in “{run.profile}”{run.attempt > 1 ? `, attempt ${run.attempt}` : ''}
        </small>
      </h3>
      <ol className="steps">
        {run.steps.map((step) => (
          <li key={step.step} className={step.state}>
            <span className="mark" aria-hidden="true" />
            <span className="what">
              {steps[step.step]}
              <span className="visually-hidden">: {step.state}</span>
              {step.state === 'red' && step.detail !== '' && <small className="error">{step.detail}</small>}
              {step.probes.length > 0 && <small>{probeCount(step.probes)}</small>}
            </span>
            <span className="duration">
              {step.durationMs !== null
                ? seconds(step.durationMs)
                : step.state === 'running' && step.startedAt !== null
                  ? seconds(Math.max(0, now - Date.parse(step.startedAt)))
                  : ''}
            </span>
          </li>
        ))}
      </ol>
      {(run.state === 'leased' || run.state === 'running') && <RunOutputView runId={run.id} />}
    </section>
  );
}

function probeCount(probes: RunView['steps'][number]['probes']): string {
  const good = probes.filter((probe) => probe.ok).length;
  return good === probes.length ? `${plural(good, 'check')} good` : `${good} of ${plural(probes.length, 'check')} good`;
}

/** The time, while something runs. */
function useNow(ticking: boolean): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!ticking) return;
    const timer = window.setInterval(() => setNow(Date.now()), 250);
    return () => window.clearInterval(timer);
  }, [ticking]);
  return now;
}
