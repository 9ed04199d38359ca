import { useState } from 'react';
import type { WebhookEndpoint, WebhookTopic } from '@vouch/contracts';
import { Badge } from './badge.js';
import { Choices } from './choices.js';
import { Field, Form } from './form.js';
import { time } from './format.js';
import { programs } from './programs-api.js';
import { ShownOnce } from './shown-once.js';
import { useLoaded } from './use-loaded.js';
import { WebhookLog } from './webhook-log.js';
import { events } from './words.js';

/** Where news are sent by themselves, and what became of each message. */
export function Webhooks({ manages }: { manages: boolean }) {
  const { value: endpoints, error, reload } = useLoaded(programs.endpoints);
  const [secret, setSecret] = useState<string | null>(null);
  const show = (next: string): void => {
    setSecret(next);
    reload();
  };
  return (
    <section className="card wide">
      <h2>Webhooks</h2>
      <p>
        News sent to an address of yours, such as a ticket system. Messages are signed (Standard Webhooks) and repeated
        for about three days until they are taken.
      </p>
      {error !== '' && <p role="alert">{error}</p>}
      {endpoints?.map((endpoint) => (
        <Endpoint key={endpoint.id} endpoint={endpoint} manages={manages} onChange={reload} onSecret={show} />
      ))}
      {endpoints?.length === 0 && <p className="fine">Nothing is sent anywhere.</p>}
      {secret !== null && (
        <ShownOnce
          what="Messages are signed with this secret; the receiver checks them with it."
          secret={secret}
          onDone={() => setSecret(null)}
        />
      )}
      {manages && secret === null && (
        <details>
          <summary>Send news to an address</summary>
          <NewEndpoint onMade={show} />
        </details>
      )}
    </section>
  );
}

function Endpoint({
  endpoint,
  manages,
  onChange,
  onSecret,
}: {
  endpoint: WebhookEndpoint;
  manages: boolean;
  onChange: () => void;
  onSecret: (secret: string) => void;
}) {
  const enabled = endpoint.state === 'enabled';
  const failing = endpoint.failingSince !== null;
  return (
    <article className="endpoint">
      <h3>
        <code>{endpoint.url}</code>{' '}
        <Badge tone={!enabled ? 'bad' : failing ? 'warn' : 'good'}>
          {!enabled ? 'switched off' : failing ? 'does not answer' : 'on'}
        </Badge>
      </h3>
      <p className="fine">
        {endpoint.description !== '' && `${endpoint.description}. `}
        Told when {endpoint.eventTypes.map((type) => events[type]).join('; ')}.
        {endpoint.reason !== '' && ` ${endpoint.reason}`}
        {endpoint.failingSince !== null && ` No message was taken since ${time(endpoint.failingSince)}.`}
        {endpoint.oldSecretUntil !== null && ` The old secret counts until ${time(endpoint.oldSecretUntil)}.`}
      </p>
      {manages && (
        <div className="buttons">
          <Form
            label={enabled ? 'Switch off' : 'Switch on'}
            plain
            onSubmit={async () => programs.switchEndpoint(endpoint, enabled ? 'disabled' : 'enabled').then(onChange)}
          />
          <Form
            label="New secret"
            plain
            onSubmit={async () => onSecret((await programs.newSecret(endpoint.id)).secret)}
          />
          <Form
            label="Remove"
            plain
            onSubmit={async () => {
              if (window.confirm(`Remove ${endpoint.url} and its log?`))
                await programs.removeEndpoint(endpoint.id).then(onChange);
            }}
          />
        </div>
      )}
      <WebhookLog endpointId={endpoint.id} replays={manages} />
    </article>
  );
}

function NewEndpoint({ onMade }: { onMade: (secret: string) => void }) {
  const [types, setTypes] = useState<readonly WebhookTopic[]>(['lab.verdict-issued']);
  return (
    <Form
      label="Send news there"
      onSubmit={async ({ url = '', description = '' }) => {
        if (types.length === 0) throw new Error('Choose at least one kind of news.');
        onMade((await programs.createEndpoint(url, types, description)).secret);
      }}
    >
      <Field label="Address" name="url" type="url" hint="https://…, reachable from the internet." />
      <Field label="What it is" name="description" required={false} />
      <Choices
        legend="News"
        options={Object.keys(events) as WebhookTopic[]}
        nameOf={(type) => events[type]}
        chosen={types}
        onChange={setTypes}
      />
    </Form>
  );
}
