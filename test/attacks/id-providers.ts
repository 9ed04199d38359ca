import path from 'node:path';
import { ContentStore, idOf, sha256Hex } from '@vouch/platform';
import type pg from 'pg';
import { fingerprint, TestDevice, type TestApi } from '../integration/api.js';
import { insertOf, madeUpRow } from '../integration/tenant-tables.js';
import { queueRun } from './lab-scene.js';

/** One tenant with at least one thing of every kind that has an id. */
export interface Owned {
  readonly tenantId: string;
  readonly deviceId: string;
  /** The id of one of its rows of a table. */
  rowOf(table: string, column: string): Promise<string>;
  /** Something of a patch that only machines of this tenant need, and that was tested. */
  tested(what: keyof Tested): Promise<string>;
}

/** Ids of what a tested patch leaves behind. */
interface Tested {
  readonly revision: string;
  readonly run: string;
  readonly verdict: string;
  readonly evidence: string;
}

type Provider = { readonly of: (owned: Owned) => string | Promise<string> } | { readonly shared: string };

const row = (table: string, column = 'id'): Provider => ({ of: (owned) => owned.rowOf(table, column) });
const tenant: Provider = { of: (owned) => owned.tenantId };
const device: Provider = { of: (owned) => owned.deviceId };
const tested = (what: keyof Tested): Provider => ({ of: (owned) => owned.tested(what) });
const profiles: Provider = { shared: 'lab environments are the same for all' };
const patches: Provider = { shared: "vendors' patches are the same for all" };

/**
 * THE table of ids: where a route takes one (`METHOD /path name`), and whose it is. A new id that is not here makes
 * id-swap.spec.ts fail: add a line that says which table holds the rows, or why the thing belongs to nobody.
 */
export const ID_PROVIDERS: readonly (readonly [RegExp, Provider])[] = [
  [/ tenantIds?$/, tenant],
  [/ \/api\/v1\/tenants\/\{id\}\S* id$/, tenant],
  [/ deviceIds?$/, device],
  [/ \/api\/v1\/devices\/\{id\}\S* id$/, device],
  [/ \/api\/v1\/audit cursor$/, row('platform_audit', 'hash')],
  [/ \/api\/v1\/enrolment-tokens\/\{id\} id$/, row('fleet_enrolment_token')],
  [/ \/api\/v1\/statements\/\{id\}\S* id$/, row('billing_statement')],
  [/ statementId$/, row('billing_statement')],
  [/ \/api\/v1\/api-keys\/\{id\}\S* id$/, row('identity_api_key')],
  [/ \/api\/v1\/webhook-endpoints\/\{id\}\S* id$/, row('webhook_endpoint')],
  [/ endpointId$/, row('webhook_endpoint')],
  [/ deliveryId$/, row('webhook_delivery')],
  [/ \/api\/v1\/members\/\{id\}\S* id$/, row('identity_member')],
  [/ \/api\/v1\/account\/sessions\/\{id\} id$/, row('identity_session')],
  [/^DELETE \/api\/v1\/account\/passkeys\/\{id\} id$/, row('identity_passkey')],
  [/^POST \/api\/v1\/(account|session)\/passkey\S* (id|rawId)$/, { shared: 'counts only with its own signature' }],
  [/ memberId$/, row('identity_member')],
  [/\/session\/single-sign-on\/\{mspId\} mspId$/, { shared: 'the door of an MSP: whoever has its address may knock' }],
  [/\/single-sign-on clientId$/, { shared: 'the name that an MSP has at its own provider' }],
  [/ \/api\/v1\/invitations\/\{id\}\S* id$/, row('identity_invitation')],
  [/ (policyId|channelId|cohortId)$/, { shared: 'a policy, kind of machine and ring: many tenants read one channel' }],
  [/ \/api\/v1\/(test-)?runs\/\{id\}\S* id$/, tested('run')],
  [/ \/api\/v1\/verdicts\/\{id\}\S* id$/, tested('verdict')],
  [/ \/api\/v1\/evidence\/\{sha256\} sha256$/, tested('evidence')],
  [/ runId$/, tested('run')],
  [/ verdictId$/, tested('verdict')],
  [/ \/api\/v1\/lab\/profiles\/\{digest\}\S* digest$/, profiles],
  [/ sourceId$/, patches],
  [/ \/api\/v1\/policies\/\{id\} id$/, row('approval_policy')],
  [/ \/api\/v1\/(holds|waivers)\/\{id\} id$/, row('approval_order')],
  [/ costEntryId$/, { shared: 'the cost of one test is split among all who need the patch' }],
  [/ \/api\/v1\/patches\/\{id\}\S* id$/, tested('revision')],
  [/^(?!\w+ \/(lab|device)\/).* revisionId$/, tested('revision')],
  [/ (patchId|sha256|artefactSha256)$/, patches],
  [
    / \/(lab|device)\//,
    {
      shared:
        'asked with the credential of a machine, which names whose it is: stolen-lab-runner.spec.ts, doors.spec.ts',
    },
  ],
  [/ \/webhooks\//, { shared: 'signed by the payment provider' }],
];

export function providerOf(place: string): Provider | undefined {
  return ID_PROVIDERS.find(([pattern]) => pattern.test(place))?.[1];
}

/** Gives a tenant a device of its own, and rows of other kinds when they are asked for. */
export async function ownedBy(api: TestApi, owner: pg.Client, tenantId: string, technician: string): Promise<Owned> {
  const machine = new TestDevice(api);
  await machine.enrol(await api.enrolmentToken(tenantId, technician), `machine of ${tenantId}`);
  await machine.send('PUT', '/device/v1/fingerprint', fingerprint([{ package: 'web', version: '1' }]));
  const made = new Map<string, Promise<string>>();
  let making: Promise<Tested> | undefined;
  return {
    tenantId,
    deviceId: machine.identity.deviceId,
    rowOf(table, column) {
      const before = made.get(`${table}.${column}`);
      if (before !== undefined) return before;
      const making = makeRow(owner, table, column, tenantId);
      made.set(`${table}.${column}`, making);
      return making;
    },
    async tested(what) {
      making ??= makeTested(api, owner, tenantId);
      return (await making)[what];
    },
  };
}

async function makeTested(api: TestApi, owner: pg.Client, tenantId: string): Promise<Tested> {
  const name = `needed-by-${tenantId}`;
  const { runId } = await queueRun(owner, name);
  const ids = { revision: idOf('attacks', 'revision', name), run: runId, verdict: idOf('attacks', 'verdict', name) };
  const evidence = sha256Hex(name);
  await new ContentStore(path.join(api.dataDir, 'evidence')).put(Buffer.from(name), evidence);
  const log = { name: 'apply.log', mediaType: 'text/plain', sizeBytes: name.length, sha256: evidence };
  await owner.query('update lab_test_run set evidence = $2 where id = $1', [runId, JSON.stringify([log])]);
  const verdict = await madeUpRow(owner, 'lab_verdict', runId, 'run_id');
  const own = { id: ids.verdict, revision_id: ids.revision, result: 'fail', expires_at: '2099-01-01T00:00:00Z' };
  await owner.query(insertOf('lab_verdict', { ...verdict, ...own }));
  const need = await madeUpRow(owner, 'fleet_need', tenantId);
  await owner.query(insertOf('fleet_need', { ...need, revision_id: ids.revision }));
  return { ...ids, evidence };
}

/** Things that MSPs and tenants alike own. */
const OWNED_BY_EITHER = /^(identity_api_key|webhook_)/;
/** Things that only MSPs own. */
const OWNED_BY_MSP = /^approval_(policy|order)$/;
/** Things of one person. */
const OWNED_BY_MEMBER = /^identity_(session|passkey)$/;

async function makeRow(owner: pg.Client, table: string, column: string, tenantId: string): Promise<string> {
  if (OWNED_BY_MEMBER.test(table)) {
    const member = 'select id::text from identity_member where tenant_id = $1 limit 1';
    const [person] = (await owner.query<{ id: string }>(member, [tenantId])).rows;
    return makeOwned(owner, table, column, person?.id ?? '', 'member_id');
  }
  if (OWNED_BY_MSP.test(table)) {
    const [tenant] = (
      await owner.query<{ id: string }>('select msp_id::text as id from identity_tenant where tenant_id = $1', [
        tenantId,
      ])
    ).rows;
    return makeOwned(owner, table, column, tenant?.id ?? '', 'msp_id');
  }
  return makeOwned(owner, table, column, tenantId, OWNED_BY_EITHER.test(table) ? 'owner_id' : 'tenant_id');
}

async function makeOwned(
  owner: pg.Client,
  table: string,
  column: string,
  ownerId: string,
  ownerColumn: string,
): Promise<string> {
  const find = `select ${column}::text as id from ${table} where ${ownerColumn} = $1 limit 1`;
  const [found] = (await owner.query<{ id: string }>(find, [ownerId])).rows;
  if (found) return found.id;
  const values = await madeUpRow(owner, table, ownerId, ownerColumn);
  // Made-up numbers are the same in each run; ids of two tenants must differ.
  const own =
    typeof values[column] === 'string' && column === 'id' && table !== 'identity_passkey'
      ? { id: idOf(table, ownerId) }
      : {};
  await owner.query(insertOf(table, { ...values, ...own }));
  const [made] = (await owner.query<{ id: string }>(find, [ownerId])).rows;
  if (!made) throw new Error(`No row of ${table} could be made for a tenant.`);
  return made.id;
}
