import type { TenantView } from '@vouch/contracts';
import { ApiKeys } from './api-keys.js';
import { SingleSignOn } from './single-sign-on.js';
import { Webhooks } from './webhooks.js';

/** What other programs need to work with this account. Shows what the member may see of it. */
export function ProgramsPage({ tenants, actions }: { tenants: readonly TenantView[]; actions: readonly string[] }) {
  const may = (action: string): boolean => actions.includes(action);
  return (
    <div className="account">
      {may('api-key:read') && <ApiKeys tenants={tenants} makes={may('api-key:create')} />}
      {may('webhook:read') && <Webhooks manages={may('webhook:manage')} />}
      {may('single-sign-on:read') && <SingleSignOn />}
    </div>
  );
}
