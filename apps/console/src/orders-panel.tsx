import { useCallback, useEffect, useState } from 'react';
import type { Hold, PatchView, Waiver } from '@vouch/contracts';
import { Field, Form } from './form.js';
import { time } from './format.js';
import { orders } from './orders-api.js';

interface Props {
  readonly patch: PatchView;
  readonly actions: readonly string[];
}

/** Stop a patch for all customers, or take one that the lab doubts: acts of a person, beside what the policy says. */
export function OrdersPanel({ patch, actions }: Props) {
  const mayRead = actions.includes('hold:read');
  if (!mayRead) return null;
  return (
    <section className="card account-forms">
      <h3>Your word</h3>
      <Held key={patch.revisionId} revisionId={patch.revisionId} may={actions.includes('hold:manage')} />
      {patch.verdict !== null && (
        <Waived
          key={patch.verdict.id}
          patch={patch}
          verdictId={patch.verdict.id}
          may={actions.includes('waiver:manage')}
        />
      )}
    </section>
  );
}

function Held({ revisionId, may }: { revisionId: string; may: boolean }) {
  const [hold, reload] = useOrder<Hold>(orders.holdOf, revisionId);
  if (hold !== null)
    return (
      <>
        <p>
          Held by {hold.by} since {time(hold.since)}: {hold.why}. No machine is offered it; those that have it keep it.
        </p>
        {may && <Form label="Offer it again" plain onSubmit={() => orders.endHold(hold.id).then(reload)} />}
      </>
    );
  if (!may) return <p>Nobody holds it.</p>;
  return (
    <details>
      <summary>Hold it</summary>
      <p className="fine">
        No machine of any customer is offered it any more, from now on. Those that have it keep it.
      </p>
      <Form label="Hold it" onSubmit={({ why = '' }) => orders.hold(revisionId, why).then(reload)}>
        <Field label="Why" name="why" hint="Customers read this." />
      </Form>
    </details>
  );
}

function Waived({ patch, verdictId, may }: { patch: PatchView; verdictId: string; may: boolean }) {
  const [waiver, reload] = useOrder<Waiver>(orders.waiverOf, verdictId);
  if (waiver !== null)
    return (
      <>
        <p>
          Taken all the same by {waiver.by}, until {time(waiver.until)}: {waiver.why}
        </p>
        {may && <Form label="Take that back" plain onSubmit={() => orders.endWaiver(waiver.id).then(reload)} />}
      </>
    );
  if (!may || (patch.verdict?.result === 'pass' && patch.stage !== 'passed')) return null;
  return (
    <details>
      <summary>Take it all the same</summary>
      <p className="fine">
        {patch.reason} If you know better, your customers get exactly these bytes, low-impact machines first. Your name
        and reason are kept in the audit trail.
      </p>
      <Form
        label="Take it all the same"
        onSubmit={({ why = '', days = '7' }) => orders.waive(verdictId, why, Number(days)).then(reload)}
      >
        <Field label="Why" name="why" hint="Customers read this." />
        <Field label="For how many days" name="days" type="number" value="7" />
      </Form>
    </details>
  );
}

/** The order about a thing, and how to ask for it again. */
function useOrder<T>(find: (id: string) => Promise<T | null>, id: string): [T | null, () => void] {
  const [order, setOrder] = useState<T | null>(null);
  const load = useCallback(() => {
    find(id).then(setOrder, () => setOrder(null));
  }, [find, id]);
  useEffect(load, [load]);
  return [order, load];
}
