import type { Policy, PolicyRules } from '@vouch/contracts';
import { Field, Form } from './form.js';
import { percent, plural, time } from './format.js';
import { orders } from './orders-api.js';
import { useLoaded } from './use-loaded.js';

/** What is approved by itself, for which customers, and how it is rolled out. */
export function PoliciesPage({ mayChange }: { mayChange: boolean }) {
  const { value: policies, error, reload } = useLoaded(orders.policies);
  if (policies === null) return <p className="loading">{error === '' ? 'Loading…' : error}</p>;
  return (
    <div className="account">
      {policies.length === 0 && <p>Your consultancy has no policy yet, so nothing is approved.</p>}
      {policies.map((policy) => (
        <section key={`${policy.id} ${policy.version}`} className="card">
          <h2>{policy.name}</h2>
          <p className="fine">
            Decides for {plural(policy.tenants, 'customer')}. Version {policy.version}
            {policy.changedAt === null ? '' : `, changed ${time(policy.changedAt)}`}.
          </p>
          <ul>
            {inWords(policy.rules).map((sentence) => (
              <li key={sentence}>{sentence}</li>
            ))}
          </ul>
          {mayChange && <ChangeRules policy={policy} onDone={reload} />}
        </section>
      ))}
    </div>
  );
}

function inWords(rules: PolicyRules): string[] {
  const delay =
    rules.delayMinutes === 0
      ? 'as soon as it has passed'
      : `${plural(rules.delayMinutes, 'minute')} after it has passed`;
  return [
    `A patch that passed is taken where the lab is at least ${percent(rules.minimumCoverage)} like the machines.`,
    rules.acceptReducedFidelity
      ? 'A lab of reduced fidelity will do.'
      : 'It has to have passed in a lab of full fidelity.',
    rules.acceptIrreversible === false
      ? 'It has to be one that can be taken back.'
      : 'It need not be one that can be taken back.',
    `The first machines get it ${delay}, in ${plural(rules.rings, 'ring')}, low impact first.`,
    `A ring is watched for ${plural(rules.soakSeconds, 'second')} before the next one gets it.`,
  ];
}

function ChangeRules({ policy, onDone }: { policy: Policy; onDone: () => void }) {
  const { rules } = policy;
  const change = (values: Readonly<Record<string, string>>): Promise<void> => {
    const wanted: PolicyRules = {
      minimumCoverage: Number(values['coverage']) / 100,
      acceptReducedFidelity: values['reduced'] === 'on',
      acceptIrreversible: values['irreversible'] === 'on',
      delayMinutes: Number(values['delay']),
      rings: Number(values['rings']),
      soakSeconds: Number(values['soak']),
    };
    return orders.changePolicy(policy, wanted, values['why'] ?? '').then(onDone);
  };
  return (
    <details>
      <summary>Change the rules</summary>
      <Form label="Change the rules" onSubmit={change}>
        <Field
          label="How like the machines the lab must be, in per cent"
          name="coverage"
          type="number"
          value={String(Math.round(rules.minimumCoverage * 100))}
        />
        <Check label="A lab of reduced fidelity will do" name="reduced" on={rules.acceptReducedFidelity} />
        <Check
          label="It may be one that cannot be taken back"
          name="irreversible"
          on={rules.acceptIrreversible !== false}
        />
        <Field
          label="Minutes until the first machines get it"
          name="delay"
          type="number"
          value={String(rules.delayMinutes)}
        />
        <Field label="Rings" name="rings" type="number" value={String(rules.rings)} />
        <Field label="Seconds to watch a ring" name="soak" type="number" value={String(rules.soakSeconds)} />
        <Field label="Why" name="why" hint="It is kept with the rules." />
      </Form>
    </details>
  );
}

function Check({ label, name, on }: { label: string; name: string; on: boolean }) {
  return (
    <label className="check">
      <input type="checkbox" name={name} defaultChecked={on} /> {label}
    </label>
  );
}
