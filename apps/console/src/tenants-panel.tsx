import { useState } from 'react';
import type { DeviceView, PatchView, TenantView } from '@vouch/contracts';
import { api } from './api.js';
import { Badge } from './badge.js';
import { money, time } from './format.js';
import { AddCustomer, ManageMachines } from './manage-machines.js';

const TONES = { needed: 'quiet', offered: 'busy', installed: 'good', failed: 'bad', refused: 'bad' } as const;

/** Every customer's machines, for the patch that is looked at: green when they have it, and why when they do not. */
export function TenantsPanel({
  tenants,
  patch,
  actions,
  onChange,
}: {
  tenants: readonly TenantView[];
  patch: PatchView | null;
  /** What the one who looks may do. */
  actions: readonly string[];
  onChange: () => void;
}) {
  return (
    <section aria-label="Customers and their machines" className="tenants">
      <h2>Machines{patch === null ? '' : ` and ${patch.patch} ${patch.version}`}</h2>
      {patch !== null && patch.rings.length > 0 && (
        <ul className="rings">
          {patch.rings.map((ring) => (
            <li key={ring.ring} className={ring.state}>
              <strong>Ring {ring.ring}</strong>{' '}
              <span>{ring.ring === 0 ? 'low impact first' : 'after the ring before is well'}</span>
              <small>{ring.reason}</small>
            </li>
          ))}
        </ul>
      )}
      <div className="tenant-grid">
        {tenants.map((tenant) => (
          <article key={tenant.id} className="card">
            <h3>{tenant.name}</h3>
            {tenant.devices.length === 0 && <p className="empty">No machine is enrolled yet.</p>}
            <ul className="devices">
              {tenant.devices.map((device) => (
                <Device key={device.id} device={device} revisionId={patch?.revisionId ?? null} />
              ))}
            </ul>
            <ManageMachines tenant={tenant} actions={actions} />
            <Statements tenant={tenant} billing={actions.includes('portal:open')} />
          </article>
        ))}
        {actions.includes('tenant:create') && (
          <article className="card">
            <AddCustomer onAdded={onChange} />
          </article>
        )}
      </div>
    </section>
  );
}

function Device({ device, revisionId }: { device: DeviceView; revisionId: string | null }) {
  const standing = device.patches.find((patch) => patch.revisionId === revisionId);
  const have = device.patches.filter((patch) => patch.state === 'installed').length;
  return (
    <li className={standing ? `device ${standing.state}` : 'device'}>
      <span className="name">{device.name}</span>
      <span className="fine">ring {device.ring}</span>
      {standing ? (
        <Badge tone={TONES[standing.state]}>{standing.state}</Badge>
      ) : (
        <Badge tone="quiet">not concerned</Badge>
      )}
      {standing && standing.state !== 'installed' && <small className="why">{standing.reason}</small>}
      <small className="why">
        {have} of {device.patches.length} patches on it, last seen: {time(device.lastSeenAt)}
      </small>
    </li>
  );
}

function Statements({ tenant, billing }: { tenant: TenantView; billing: boolean }) {
  const [error, setError] = useState('');
  const open = async (): Promise<void> => {
    try {
      window.location.assign(await api.portal(tenant.id));
    } catch (reason) {
      setError(reason instanceof Error ? reason.message : 'That did not work.');
    }
  };
  if (tenant.statements.length === 0) return null;
  return (
    <div className="statements">
      {tenant.statements.map((statement) => (
        <p key={statement.id}>
          {statement.period}: {money(statement.total)}{' '}
          <Badge tone={statement.state === 'paid' ? 'good' : 'quiet'}>{statement.state}</Badge>{' '}
          {/* Nothing but an address of the web becomes a link. */}
          {/^https?:\/\//.test(statement.invoiceUrl ?? '') && statement.invoiceUrl !== null && (
            <a href={statement.invoiceUrl} rel="noreferrer">
              invoice
            </a>
          )}
        </p>
      ))}
      {billing && (
        <button className="plain" onClick={() => void open()}>
          Open billing portal
        </button>
      )}
      {error !== '' && (
        <p role="alert" className="error">
          {error}
        </p>
      )}
    </div>
  );
}
