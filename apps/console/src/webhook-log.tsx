import { useState } from 'react';
import type { WebhookDelivery } from '@vouch/contracts';
import { Badge } from './badge.js';
import { Form } from './form.js';
import { plural, time } from './format.js';
import { programs } from './programs-api.js';
import { Table } from './table.js';
import { events } from './words.js';

const STATES = { waiting: 'busy', delivered: 'good', failed: 'bad' } as const;

/** The newest messages to an address; read when somebody opens it. */
export function WebhookLog({ endpointId, replays }: { endpointId: string; replays: boolean }) {
  const [log, setLog] = useState<readonly WebhookDelivery[] | null>(null);
  const [error, setError] = useState('');
  const load = (): void =>
    void programs
      .deliveries(endpointId)
      .then(setLog, (reason: unknown) =>
        setError(reason instanceof Error ? reason.message : 'The log could not be read.'),
      );
  return (
    <details onToggle={({ currentTarget }) => currentTarget.open && load()}>
      <summary>What was sent</summary>
      {error !== '' && <p role="alert">{error}</p>}
      {log?.length === 0 && <p className="fine">Nothing was sent yet.</p>}
      {log !== null && log.length > 0 && (
        <Table
          head={['When', 'News', 'State', 'Last answer', '']}
          rows={log.map((delivery) => [
            time(delivery.createdAt),
            events[delivery.type],
            <Badge tone={STATES[delivery.state]}>{delivery.state}</Badge>,
            <LastAnswer delivery={delivery} />,
            replays && delivery.state !== 'waiting' ? (
              <Form
                label="Send again"
                plain
                onSubmit={async () => programs.replay(endpointId, delivery.id).then(load)}
              />
            ) : (
              ''
            ),
          ])}
        />
      )}
    </details>
  );
}

function LastAnswer({ delivery }: { delivery: WebhookDelivery }) {
  const answer = delivery.error !== '' ? delivery.error : `${delivery.status ?? ''} ${delivery.answer}`.trim();
  return (
    <>
      {answer === '' ? '—' : answer.slice(0, 120)}{' '}
      <small>
        {plural(delivery.attempts, 'attempt')}
        {delivery.nextAttemptAt !== null && delivery.state === 'waiting' && `, next ${time(delivery.nextAttemptAt)}`}
      </small>
    </>
  );
}
