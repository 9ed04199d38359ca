import { useState } from 'react';
import type { TenantView } from '@vouch/contracts';
import { fleet, type EnrolmentTokenMade } from './fleet-api.js';
import { Field, Form } from './form.js';
import { time } from './format.js';
import { ShownOnce } from './shown-once.js';

/** What is run on a machine, as root, to let it join. Another file name would be another package to apt. */
const commandsWith = (token: string): string =>
  [
    `curl -fsSO ${location.origin}/agent/vouch-agent.deb`,
    'sudo apt-get install -y ./vouch-agent.deb',
    `sudo vouch-agent enrol --server ${location.origin} --token ${token}`,
    'sudo systemctl enable --now vouch-agent',
  ].join('\n');

export function AddCustomer({ onAdded }: { onAdded: () => void }) {
  return (
    <details className="account-forms">
      <summary>Add a customer</summary>
      <Form label="Add" onSubmit={async ({ name = '' }) => fleet.addCustomer(name).then(onAdded)}>
        <Field label="Name" name="name" hint="Of the business, as it stands on its invoices." />
      </Form>
    </details>
  );
}

/** Lets a machine of a customer join, and ends what one may that was stolen or is gone. */
export function ManageMachines({ tenant, actions }: { tenant: TenantView; actions: readonly string[] }) {
  const [made, setMade] = useState<EnrolmentTokenMade | null>(null);
  if (made !== null)
    return (
      <ShownOnce
        what={`Run this on the machine. The token counts for one machine, until ${time(made.expiresAt)}.`}
        secret={commandsWith(made.token)}
        onDone={() => setMade(null)}
      />
    );
  return (
    <>
      {actions.includes('enrolment-token:create') && (
        <details className="account-forms">
          <summary>Enrol a machine</summary>
          <Form
            label="Make a token"
            onSubmit={async ({ ring = '0' }) => setMade(await fleet.enrolmentToken(tenant.id, Number(ring)))}
          >
            <label>
              Its patches come
              <select name="ring" defaultValue="1">
                <option value="0">first (ring 0): it matters little when it stands still</option>
                <option value="1">when the first machines are well (ring 1)</option>
              </select>
            </label>
          </Form>
        </details>
      )}
      {actions.includes('device:revoke') && tenant.devices.length > 0 && (
        <details className="account-forms">
          <summary>Revoke a machine</summary>
          <Form label="Revoke it" onSubmit={async ({ device = '' }) => revoke(tenant, device)}>
            <label>
              Machine
              <select name="device">
                {tenant.devices.map(({ id, name }) => (
                  <option key={id} value={id}>
                    {name}
                  </option>
                ))}
              </select>
            </label>
            <p className="fine">For one that was stolen or is gone: it is offered nothing any more.</p>
          </Form>
        </details>
      )}
    </>
  );
}

async function revoke({ devices }: TenantView, id: string): Promise<void> {
  const name = devices.find((device) => device.id === id)?.name ?? '';
  if (window.confirm(`Revoke ${name}? To come back it has to be enrolled anew.`)) await fleet.revoke(id);
}
