import { useEffect, useState } from 'react';
import type { LabQueue } from '@vouch/contracts';
import { Badge } from './badge.js';
import { Field, Form } from './form.js';
import { plural, time } from './format.js';
import { lab } from './lab-api.js';
import { RunOutputView } from './run-output.js';
import { Table } from './table.js';
import { useLoaded } from './use-loaded.js';
import { verdicts } from './words.js';

type Run = LabQueue['runs'][number];

const LOOK_MS = 4_000;

/** What the lab is at, what waits in which order, and what can be done about it. */
export function LabPage({ mayCancel }: { mayCancel: boolean }) {
  const { value: queue, error, reload } = useLoaded(lab.queue);
  const [off, setOff] = useState<readonly Run[]>([]);
  useEffect(() => {
    const timer = window.setInterval(reload, LOOK_MS);
    return () => window.clearInterval(timer);
  }, [reload]);
  if (queue === null) return <p className="loading">{error === '' ? 'Loading…' : error}</p>;
  const [busy, waiting] = [queue.runs.filter(isBusy), queue.runs.filter((run) => !isBusy(run))];
  const cancelled = (run: Run): void => {
    setOff((before) => [...before, run]);
    reload();
  };
  const resumed = (run: Run): void => {
    setOff((before) => before.filter(({ id }) => id !== run.id));
    reload();
  };
  return (
    <div className="account">
      {error !== '' && (
        <p role="alert" className="wide">
          {error}
        </p>
      )}
      <section className="card wide">
        <h2>Hosts</h2>
        {queue.hosts.length === 0 && <p>No lab-runner has come yet: nothing can be tested.</p>}
        <Hosts hosts={queue.hosts} />
      </section>
      <section className="card wide">
        <h2>Being tested ({busy.length})</h2>
        {busy.length === 0 && <p>Nothing at the moment.</p>}
        {busy.map((run) => (
          <article key={run.id} className="run">
            <RunHead run={run} />
            <p className="fine">
              in “{run.profile}” on {run.runner ?? 'a host'}, since {time(run.startedAt)}
              {run.attempt > 1 ? `, attempt ${run.attempt}` : ''}
            </p>
            <RunOutputView runId={run.id} />
            {mayCancel && <CallOff run={run} onDone={() => cancelled(run)} />}
          </article>
        ))}
      </section>
      <section className="card wide">
        <h2>Waiting ({queue.waiting})</h2>
        <p>Every consultancy gets its turn; what closes a hole that is being used goes first, then security updates.</p>
        {waiting.map((run) => (
          <article key={run.id} className="run">
            <RunHead run={run} />
            <p className="fine">
              for “{run.profile}”, wanted by {plural(run.machines, 'machine')} of{' '}
              {run.origins === 1 ? 'one consultancy' : `${run.origins} consultancies`}, since {time(run.queuedAt)}
            </p>
            {mayCancel && <CallOff run={run} onDone={() => cancelled(run)} />}
            {run.urgency !== 'exploited' && <MarkExploited run={run} onDone={reload} />}
          </article>
        ))}
        {queue.waiting > waiting.length && <p className="fine">and {queue.waiting - waiting.length} more</p>}
      </section>
      {off.length > 0 && (
        <section className="card">
          <h2>Called off just now</h2>
          {off.map((run) => (
            <article key={run.id} className="run">
              <RunHead run={run} />
              <Form label="Test it after all" plain onSubmit={() => lab.resume(run.id).then(() => resumed(run))} />
            </article>
          ))}
        </section>
      )}
      <section className="card wide">
        <h2>Judged lately</h2>
        {queue.judged.length === 0 && <p>Nothing yet.</p>}
        {queue.judged.map((run) => (
          <JudgedRun key={run.id} run={run} mayRepeat={mayCancel} onDone={reload} />
        ))}
      </section>
      <section className="card">
        <h2>Known to be exploited</h2>
        {queue.exploited.length === 0 && <p>No patch is marked. One that is marked is tested before all others.</p>}
        {queue.exploited.map(({ revisionId, patch, sourceId, note, since }) => (
          <article key={revisionId} className="run">
            <h3>
              {patch} <small>{sourceId}</small>
            </h3>
            <p>
              {note} <small>since {time(since)}</small>
            </p>
            <Form
              label="Test it in its turn again"
              plain
              onSubmit={() => lab.clearExploited(revisionId).then(reload)}
            />
          </article>
        ))}
      </section>
    </div>
  );
}

const isBusy = ({ state }: Run): boolean => state !== 'queued';

const URGENCIES = {
  exploited: { label: 'being exploited', tone: 'bad' },
  security: { label: 'security', tone: 'warn' },
  routine: { label: 'routine', tone: 'quiet' },
} as const;

function RunHead({ run }: { run: Run }) {
  const { label, tone } = URGENCIES[run.urgency];
  return (
    <h3>
      {run.patch} <span className="version">{run.version}</span> <Badge tone={tone}>{label}</Badge>
    </h3>
  );
}

function Hosts({ hosts }: { hosts: LabQueue['hosts'] }) {
  if (hosts.length === 0) return null;
  return (
    <Table
      head={['Host', 'State', 'At work', 'Last seen']}
      rows={hosts.map((host) => [
        host.name,
        <span key="s">
          <Badge tone={host.state === 'ready' ? 'good' : host.state === 'unavailable' ? 'bad' : 'busy'}>
            {host.state}
          </Badge>{' '}
          {host.reason}
        </span>,
        <ul key="d" className="plain-list">
          {host.drivers.map(({ name, fidelity, capacity, busy }) => (
            <li key={name}>
              {name}: {busy} of {capacity ?? 'any number'}
              {fidelity === 'reduced' && (
                <>
                  {' '}
                  <Badge tone="warn">reduced fidelity</Badge>
                </>
              )}
            </li>
          ))}
        </ul>,
        time(host.lastSeenAt),
      ])}
    />
  );
}

type Judged = LabQueue['judged'][number];

function JudgedRun({ run, mayRepeat, onDone }: { run: Judged; mayRepeat: boolean; onDone: () => void }) {
  const { label, tone } = verdicts[run.result];
  return (
    <article className="run">
      <h3>
        {run.patch} <span className="version">{run.version}</span> <Badge tone={tone}>{label}</Badge>
      </h3>
      <p>{run.sentence}</p>
      <p className="fine">
        in “{run.profile}” by {run.driver}, {time(run.judgedAt)}
      </p>
      {run.repeatAsked ? (
        <p role="status">It is tested again as soon as machines wait for it and its environment is there.</p>
      ) : (
        mayRepeat && (
          <details>
            <summary>Test it again</summary>
            <p className="fine">
              A new test of the same files, which no customer pays for. This verdict counts until the new one says
              something.
            </p>
            <Form label="Test it again" onSubmit={() => lab.repeat(run.id).then(onDone)} />
          </details>
        )
      )}
    </article>
  );
}

function CallOff({ run, onDone }: { run: Run; onDone: () => void }) {
  return (
    <details>
      <summary>Call it off</summary>
      <p className="fine">Its machine is discarded. Without a test, the patch is approved nowhere.</p>
      <Form label="Call it off" onSubmit={({ why = '' }) => lab.cancel(run.id, why).then(onDone)}>
        <Field label="Why" name="why" hint="Customers who wait for it read this." />
      </Form>
    </details>
  );
}

function MarkExploited({ run, onDone }: { run: Run; onDone: () => void }) {
  return (
    <details>
      <summary>Test it before all others</summary>
      <Form
        label="It is being exploited"
        onSubmit={({ note = '' }) => lab.markExploited(run.revisionId, note).then(onDone)}
      >
        <Field label="How that is known" name="note" />
      </Form>
    </details>
  );
}
