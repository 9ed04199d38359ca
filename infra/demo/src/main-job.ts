import { setTimeout as sleep } from 'node:timers/promises';
import type { Overview, PatchView } from '@vouch/contracts';
import { ApiRefused, type ApiClient } from './api-client.js';

/** The line that the demo ends with: all of it from the API's own data. */
export interface MainJobResult {
  readonly patch: string;
  readonly version: string;
  readonly digests: readonly string[];
  readonly verdict: string;
  readonly statementSha256: string;
  readonly tenants: number;
  readonly devices: number;
  readonly cost: { readonly amountMinor: number; readonly currency: string };
  readonly shares: Readonly<Record<string, number>>;
  readonly invoices: readonly string[];
}

const allDevices = (overview: Overview) => overview.tenants.flatMap((tenant) => tenant.devices);

/** A patch that every machine has, with its verdict and its cost; one that is billed already comes first. */
function finished(overview: Overview): PatchView | undefined {
  const devices = allDevices(overview);
  if (devices.length === 0) return undefined;
  const everywhere = overview.patches.filter(
    (patch) =>
      patch.cost !== null &&
      patch.verdict !== null &&
      devices.every((device) =>
        device.patches.some((p) => p.revisionId === patch.revisionId && p.state === 'installed'),
      ),
  );
  return everywhere.find((patch) => patch.cost?.shares.length) ?? everywhere[0];
}

/** Waits until the first patch is on all machines, closes the billing period, and waits for the invoices. */
export async function waitForMainJob(api: ApiClient, expectedDevices: number): Promise<MainJobResult> {
  let patch: PatchView | undefined;
  while (patch === undefined) {
    await sleep(1000);
    const overview = await patiently(() => api.overview());
    if (allDevices(overview).length >= expectedDevices) patch = finished(overview);
  }
  const { revisionId } = patch;
  if (!patch.cost?.shares.length) await patiently(() => api.closePeriod(`demo-${revisionId.slice(0, 8)}`));
  for (;;) {
    await sleep(500);
    const overview = await patiently(() => api.overview());
    const billed = overview.patches.find((p) => p.revisionId === revisionId);
    if (!billed?.cost || !billed.verdict || billed.cost.shares.length === 0) continue;
    const { shares } = billed.cost;
    const statements = overview.tenants
      .filter((tenant) => shares.some((share) => share.tenantId === tenant.id))
      .map((tenant) => tenant.statements);
    if (!statements.every((of) => of.length > 0 && of.every((statement) => statement.invoiceId !== null))) continue;
    return {
      patch: billed.patch,
      version: billed.version,
      digests: await digestsOf(api, billed),
      verdict: billed.verdict.result,
      statementSha256: billed.verdict.statementSha256,
      tenants: overview.tenants.length,
      devices: allDevices(overview).length,
      cost: billed.cost.total,
      shares: Object.fromEntries(shares.map((share) => [share.tenant, share.share.amountMinor])),
      invoices: statements.flat().flatMap((statement) => statement.invoiceId ?? []),
    };
  }
}

async function digestsOf(api: ApiClient, patch: PatchView): Promise<string[]> {
  if (patch.run === null) return [];
  return (await api.run(patch.run.id)).artefacts.map((artefact) => artefact.sha256);
}

/** The server may be restarted meanwhile: what cannot be reached is asked again. */
async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof ApiRefused && error.status < 500) throw error;
      await sleep(1000);
    }
  }
}
