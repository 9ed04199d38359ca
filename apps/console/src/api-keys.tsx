import { useState } from 'react';
import type { ApiKey, TenantView } from '@vouch/contracts';
import { api } from './api.js';
import { Badge } from './badge.js';
import { Choices } from './choices.js';
import { Field, Form } from './form.js';
import { time } from './format.js';
import { programs } from './programs-api.js';
import { ShownOnce } from './shown-once.js';
import { useLoaded } from './use-loaded.js';

const STATES = { active: 'good', revoked: 'bad', expired: 'quiet' } as const;
/** Half a year is long enough to forget where a key is, and short enough to find out. */
const DAYS = [30, 90, 180, 365];

/** Keys for programs: made with as few rights as they need, and ended at once. */
export function ApiKeys({ tenants, makes }: { tenants: readonly TenantView[]; makes: boolean }) {
  const { value: keys, error, reload } = useLoaded(programs.keys);
  const [made, setMade] = useState<string | null>(null);
  return (
    <section className="card wide">
      <h2>API keys</h2>
      <p>
        For programs that work with this account, such as scripts and dashboards. A key can do only what you allow it.
      </p>
      {error !== '' && <p role="alert">{error}</p>}
      <ul className="rows">
        {keys?.map((key) => (
          <Key key={key.id} apiKey={key} tenants={tenants} onChange={reload} />
        ))}
      </ul>
      {keys?.length === 0 && <p className="fine">There are none.</p>}
      {made !== null && <ShownOnce what="This is the key." secret={made} onDone={() => setMade(null)} />}
      {makes && made === null && (
        <details>
          <summary>Make a key</summary>
          <NewKey
            tenants={tenants}
            onMade={(key) => {
              setMade(key);
              reload();
            }}
          />
        </details>
      )}
    </section>
  );
}

function Key({
  apiKey: key,
  tenants,
  onChange,
}: {
  apiKey: ApiKey;
  tenants: readonly TenantView[];
  onChange: () => void;
}) {
  const names = key.tenantIds?.map((id) => tenants.find((tenant) => tenant.id === id)?.name ?? 'a customer');
  return (
    <li>
      <strong>{key.name}</strong> <code>{key.hint}</code>
      <small>
        {key.actions.join(', ')}; {names === undefined ? 'all customers' : names.join(', ')}; until{' '}
        {time(key.expiresAt)}; {key.lastUsedAt === null ? 'not used yet' : `last used ${time(key.lastUsedAt)}`}
      </small>
      <Badge tone={STATES[key.state]}>{key.state}</Badge>
      {key.state === 'active' && (
        <Form
          label="End it"
          plain
          onSubmit={async () => {
            if (window.confirm(`End ${key.name}? Whatever uses it stops working at once.`))
              await programs.revokeKey(key.id).then(onChange);
          }}
        />
      )}
    </li>
  );
}

function NewKey({ tenants, onMade }: { tenants: readonly TenantView[]; onMade: (key: string) => void }) {
  const { value: session } = useLoaded(api.session);
  const [actions, setActions] = useState<readonly string[]>([]);
  const [tenantIds, setTenantIds] = useState<readonly string[]>([]);
  return (
    <Form
      label="Make the key"
      onSubmit={async ({ name = '', days = '' }) => {
        if (actions.length === 0) throw new Error('Choose at least one thing that the key may do.');
        onMade((await programs.createKey(name, actions, Number(days), tenantIds)).key);
      }}
    >
      <Field label="Name" name="name" hint="What it is for: nightly report, ticket system." />
      <label>
        Ends after
        <select name="days" defaultValue="90">
          {DAYS.map((days) => (
            <option key={days} value={days}>
              {days} days
            </option>
          ))}
        </select>
      </label>
      <Choices legend="It may" options={session?.keyActions ?? []} chosen={actions} onChange={setActions} />
      {tenants.length > 1 && (
        <Choices
          legend="For these customers; for all when none is chosen"
          options={tenants.map(({ id }) => id)}
          nameOf={(id) => tenants.find((tenant) => tenant.id === id)?.name ?? id}
          chosen={tenantIds}
          onChange={setTenantIds}
        />
      )}
    </Form>
  );
}
