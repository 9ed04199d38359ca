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

/** The demo closes one billing period for each patch that it follows to its end. */
const periodOf = (patch: PatchView): string => `demo-${patch.revisionId.slice(0, 8)}`;

const statementsOf = (overview: Overview, period: string) =>
  overview.tenants.flatMap((tenant) => tenant.statements.filter((statement) => statement.period === period));

/** A patch that every machine has, with its verdict and its cost: one that was billed at an earlier start, or not yet. */
function finished(overview: Overview): PatchView | undefined {
  const devices = allDevices(overview);
  const everywhere = overview.patches.filter(
    ({ revisionId, cost, verdict }) =>
      cost !== null &&
      verdict !== null &&
      devices.every((device) => device.patches.some((p) => p.revisionId === revisionId && p.state === 'installed')),
  );
  return (
    everywhere.find((patch) => statementsOf(overview, periodOf(patch)).length > 0) ??
    everywhere.find((patch) => patch.cost?.shares.length === 0)
  );
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
  const period = periodOf(patch);
  await patiently(() => api.closePeriod(period));
  for (;;) {
    await sleep(500);
    const overview = await patiently(() => api.overview());
    const billed = overview.patches.find((p) => p.revisionId === revisionId);
    const invoices = statementsOf(overview, period).flatMap((statement) => statement.invoiceId ?? []);
    if (!billed?.cost || !billed.verdict || billed.cost.shares.length === 0) continue;
    const { total, shares } = billed.cost;
    if (invoices.length < shares.length) continue;
    return {
      patch: billed.patch,
      version: billed.version,
      digests: await digestsOf(api, billed),
      verdict: billed.verdict.result,
      statementSha256: billed.verdict.statementSha256,
      tenants: overview.tenants.length,
      devices: allDevices(overview).length,
      cost: total,
      shares: Object.fromEntries(shares.map((share) => [share.tenant, share.share.amountMinor])),
      invoices,
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
