import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { idOf, newId, sha256Hex, shared } from '@vouch/platform';
import { fingerprint, LAB_TOKEN, METRICS_TOKEN, PASSWORD, TestDevice } from './api.js';
import { expectAudited, type Noted } from './audited-writes.js';
import { document, nothingSeen, operations, queueRun, violations, type Call } from './contract-walk.js';
import { artefact, ids, msp, RestFixture, tenants } from './rest-fixture.js';

/** Operations that no request through the proxy can complete, and why. */
const CANNOT: Readonly<Record<string, string>> = {
  watch: 'a stream of events never ends, and the proxy waits for the end',
};

const hello = {
  name: 'lab',
  drivers: [{ name: 'sandbox', fidelity: 'full', capabilities: ['packages'], capacity: 2 }],
};
const PROFILE = 'name: x\ntitle: X\nstream: debian-12-amd64\ncomponents: [{ package: nginx }]\n';
const noPasskey = { id: 'none', rawId: 'none', type: 'public-key', clientExtensionResults: {} };
const assertion = { clientDataJSON: 'e30', authenticatorData: 'AA', signature: 'AA' };
const attestation = { clientDataJSON: 'e30', attestationObject: 'o2Nm' };

describe('every documented operation, through Prism as a validating proxy', () => {
  let rest: RestFixture;
  let person: Record<string, string>;
  let owner: Record<string, string>;
  let boss: Record<string, string>;
  let spareDevice: TestDevice;
  let operator: Record<string, string>;
  let made: Record<'token' | 'key' | 'endpoint' | 'spare' | 'delivery' | 'invitation' | 'hold' | 'waiver', string>;
  const golden = sha256Hex('golden');
  const lab = { authorization: `Bearer ${LAB_TOKEN}` };
  const evidence = 'a line of a log';

  beforeAll(async () => {
    rest = await RestFixture.start({ VOUCH_ALLOW_PRIVATE_NETWORK: true });
    person = await rest.person(msp.technician);
    owner = await rest.person(tenants.one.owner);
    boss = await rest.person(msp.boss);
    spareDevice = new TestDevice(rest.api);
    operator = await rest.operator();
    const post = async (route: string, body: unknown, headers = person): Promise<{ id: string }> =>
      (await (await rest.api.post(route, body, headers)).json()) as { id: string };
    const hook = { url: 'http://127.0.0.1:9/', eventTypes: ['lab.verdict-issued'] };
    made = {
      token: (await post('/api/v1/enrolment-tokens', { tenantId: tenants.one.id, ring: 0 })).id,
      key: (await rest.key(msp.technician, ['device:read'])).id,
      endpoint: (await post('/api/v1/webhook-endpoints', hook)).id,
      spare: (await post('/api/v1/webhook-endpoints', hook)).id,
      hold: (await post('/api/v1/holds', { revisionId: ids.revision, why: 'x' })).id,
      waiver: (await post('/api/v1/waivers', { verdictId: ids.verdict, why: 'x', days: 1 }, boss)).id,
      delivery: newId(),
      invitation: (await post('/api/v1/invitations', { email: 'a@people.example', role: 'technician' }, boss)).id,
    };
    await spareDevice.enrol(await rest.api.enrolmentToken(tenants.one.id, msp.technician), 'spare');
    const { platform } = rest.api.database;
    const log = { name: 'apply.log', mediaType: 'text/plain', sizeBytes: evidence.length, sha256: sha256Hex(evidence) };
    await platform.transaction(shared, async (tx) => {
      await tx.query('update lab_test_run set evidence = $2 where id = $1', [ids.run, JSON.stringify([log])]);
      await tx.query(
        `insert into webhook_delivery (id, endpoint_id, owner_id, event_id, type, message, state, tries_left, created_at)
         values ($1, $2, $3, 1, 'lab.verdict-issued', '{}', 'failed', 0, now())`,
        [made.delivery, made.endpoint, msp.id],
      );
    });
    await rest.api.post('/lab/v1/hello', hello, lab);
  });
  // One of the operations ends the session.
  beforeEach(async () => {
    person = await rest.person(msp.technician);
  });
  afterAll(() => rest.stop());

  /** One call of each operation, with the answer that it must have. Later ones may need what earlier ones did. */
  const calls = (): Record<string, Call> => ({
    isLive: { status: 200 },
    isReady: { status: 200 },
    getMetrics: { status: 200, headers: { authorization: `Bearer ${METRICS_TOKEN}` } },
    signIn: { status: 200, body: { email: msp.technician, password: PASSWORD }, headers: {} },
    getSession: { status: 200 },
    // What a factor would prove is tested where factors are: here the refusals are seen to be as described.
    proveSecondFactor: { status: 403, body: { code: '000000' } },
    stepUp: { status: 401, body: { password: 'not it', code: '000000' } },
    getAccount: { status: 200 },
    changePassword: { status: 401, body: { present: 'not it', next: 'seven lamps under water' } },
    askForPasswordReset: { status: 202, body: { email: 'nobody@nowhere.example' }, headers: {} },
    resetPassword: { status: 403, body: { secret: 'vp_never-was-a-secret', password: 'seven lamps' }, headers: {} },
    setUpCodes: { status: 200 },
    confirmCodes: { status: 403, body: { code: '000000' } },
    removeCodes: { status: 409 },
    replaceRecoveryCodes: { status: 200 },
    listOwnSessions: { status: 200 },
    endOtherSessions: { status: 204 },
    endSession: { status: 404, path: { id: newId() } },
    beginPasskeySignIn: { status: 200, headers: {} },
    signInWithPasskey: { status: 401, body: { ...noPasskey, response: assertion }, headers: {} },
    beginPasskeyProof: { status: 200 },
    provePasskey: { status: 401, body: { ...noPasskey, response: assertion } },
    beginToAddPasskey: { status: 200 },
    addPasskey: { status: 401, body: { name: 'Laptop', credential: { ...noPasskey, response: attestation } } },
    removePasskey: { status: 404, path: { id: 'none' } },
    // Nobody has set it up: a provider is asked in single-sign-on.spec.ts.
    beginSingleSignOn: { status: 404, path: { mspId: msp.id }, headers: {} },
    finishSingleSignOn: { status: 422, headers: {} },
    getSingleSignOn: { status: 404, headers: boss },
    configureSingleSignOn: {
      status: 422,
      body: { issuer: 'https://127.0.0.1:9', clientId: 'x', clientSecret: 'x', required: false },
      headers: { ...boss, 'if-match': '"v1"' },
    },
    removeSingleSignOn: { status: 404, headers: boss },
    // Made by an operator: members.spec.ts.
    listMsps: { status: 200, query: { limit: '1' }, headers: operator },
    createMsp: { status: 403, body: { name: 'Third', ownerEmail: 'third@people.example' }, headers: boss },
    listLabProfiles: { status: 200 },
    getLabProfile: { status: 200, path: { digest: sha256Hex('something') } },
    checkLabProfile: { status: 422, body: { source: 'name: [' }, headers: operator },
    addLabProfile: { status: 201, body: { source: PROFILE }, headers: operator },
    withdrawLabProfile: {
      status: 404,
      path: { digest: sha256Hex('nothing') },
      body: { why: 'not there' },
      headers: operator,
    },
    getLabQueue: { status: 200, headers: operator },
    markExploited: { status: 204, path: { id: ids.revision }, body: { note: 'Seen in the wild' }, headers: operator },
    clearExploited: { status: 204, path: { id: ids.revision }, headers: operator },
    // The fixture's run has its verdict, so nothing can be done with it any more: lab-desk.spec.ts.
    cancelRun: { status: 409, path: { id: ids.run }, body: { why: 'too late' }, headers: operator },
    resumeRun: { status: 409, path: { id: ids.run }, headers: operator },
    repeatRun: { status: 204, path: { id: ids.run }, headers: operator },
    createTenant: { status: 201, body: { name: 'made here' } },
    listMembers: { status: 200, headers: boss },
    changeMember: { status: 200, path: { id: idOf(msp.reader) }, body: { role: 'technician' }, headers: boss },
    removeMember: { status: 204, path: { id: idOf(msp.reader) }, headers: boss },
    listInvitations: { status: 200, headers: boss },
    invite: { status: 201, body: { email: 'new@people.example', role: 'technician' }, headers: boss },
    revokeInvitation: { status: 204, path: { id: made.invitation }, headers: boss },
    lookAtInvitation: { status: 403, body: { secret: 'vi_never-was-a-secret' }, headers: {} },
    acceptInvitation: {
      status: 403,
      body: { secret: 'vi_never-was-a-secret', name: 'Kim', password: 'seven lamps under water' },
      headers: {},
    },
    whoami: { status: 200 },
    listAuditEntries: { status: 200, query: { limit: '1' } },
    exportAudit: { status: 200 },
    getOverview: { status: 200 },
    getRun: { status: 200, path: { id: ids.run } },
    watchRun: { status: 200, path: { id: ids.run } },
    listTenants: { status: 200, query: { limit: '1' } },
    getTenant: { status: 200, path: { id: tenants.one.id } },
    listDevices: { status: 200, query: { tenantId: tenants.one.id } },
    getDevice: { status: 200, path: { id: rest.deviceId } },
    revokeDevice: { status: 204, path: { id: spareDevice.identity.deviceId } },
    listPatches: { status: 200 },
    getPatch: { status: 200, path: { id: ids.revision } },
    listRuns: { status: 200 },
    listVerdicts: { status: 200 },
    getVerdict: { status: 200, path: { id: ids.verdict } },
    listChannels: { status: 200 },
    listApprovals: { status: 200 },
    checkApproval: { status: 200, query: { sha256: artefact.sha256, deviceId: rest.deviceId } },
    listOutcomes: { status: 200 },
    listPolicies: { status: 200 },
    getPolicy: { status: 200, path: { id: ids.policy } },
    changePolicy: {
      status: 200,
      path: { id: ids.policy },
      body: {
        rules: { minimumCoverage: 1, acceptReducedFidelity: false, delayMinutes: 0, rings: 2, soakSeconds: 0 },
        why: 'To be sure',
      },
      headers: { ...boss, 'if-match': '"v1"' },
    },
    listHolds: { status: 200 },
    endHold: { status: 204, path: { id: made.hold } },
    holdPatch: { status: 201, body: { revisionId: ids.revision, why: 'It breaks the till' } },
    listWaivers: { status: 200 },
    endWaiver: { status: 204, path: { id: made.waiver }, headers: boss },
    waiveVerdict: { status: 201, body: { verdictId: ids.verdict, why: 'That check is ours', days: 7 }, headers: boss },
    listCosts: { status: 200 },
    listShares: { status: 200 },
    listStatements: { status: 200 },
    getStatement: { status: 200, path: { id: ids.statement } },
    closePeriod: { status: 202, body: { period: '2026-02' } },
    // Nobody was billed yet, so there is no account at the payment provider to open.
    openPortal: { status: 404, path: { id: tenants.one.id }, headers: owner },
    // Not signed by the payment provider.
    receivePaymentEvent: { status: 400, body: 'x', headers: { 'content-type': 'application/json' } },
    listEnrolmentTokens: { status: 200 },
    createEnrolmentToken: { status: 201, body: { tenantId: tenants.one.id, ring: 1 } },
    revokeEnrolmentToken: { status: 204, path: { id: made.token } },
    listApiKeys: { status: 200 },
    createApiKey: { status: 201, body: { name: 'k', actions: ['device:read'], expiresInDays: 1 } },
    revokeApiKey: { status: 204, path: { id: made.key } },
    listWebhookEndpoints: { status: 200 },
    createWebhookEndpoint: { status: 201, body: { url: 'http://127.0.0.1:9/', eventTypes: ['lab.verdict-issued'] } },
    getWebhookEndpoint: { status: 200, path: { id: made.endpoint } },
    changeWebhookEndpoint: {
      status: 200,
      path: { id: made.endpoint },
      body: { description: 'changed' },
      headers: { ...person, 'if-match': '"v1"' },
    },
    rotateWebhookSecret: { status: 200, path: { id: made.endpoint } },
    listWebhookDeliveries: { status: 200, path: { id: made.endpoint } },
    getWebhookDelivery: { status: 200, path: { id: made.endpoint, deliveryId: made.delivery } },
    replayWebhookDelivery: { status: 202, path: { id: made.endpoint, deliveryId: made.delivery } },
    replayWebhookDeliveries: { status: 202, path: { id: made.endpoint }, body: { since: '2026-01-01T00:00:00Z' } },
    removeWebhookEndpoint: { status: 204, path: { id: made.spare } },
    // Used before: the proxy shows the refusal.
    enrolDevice: {
      status: 403,
      body: { token: `ve_${'0'.repeat(32)}_${'A'.repeat(43)}`, name: 'x', publicKeyPem: rest.device.publicKeyPem },
      headers: {},
    },
    readTrustDocument: { status: 200, path: { version: '1' }, headers: {} },
    reportFingerprint: { status: 204, ...asDevice('PUT', '/device/v1/fingerprint', fingerprint()) },
    getManifest: { status: 404, ...asDevice('GET', '/device/v1/manifest') },
    reportOutcome: {
      status: 409,
      ...asDevice('POST', '/device/v1/outcomes', {
        revisionId: ids.revision,
        channelVersion: 9,
        result: 'installed',
        healthy: true,
        probes: [],
        installed: [],
      }),
    },
    getAptFile: { status: 404, path: { channelId: ids.channel, path: 'Release' }, headers: {} },
    getAgent: { status: 404, headers: {} },
    labHello: { status: 200, body: hello, headers: lab },
    labGolden: {
      status: 204,
      body: { profileDigest: sha256Hex('something'), state: 'ready', digest: golden },
      headers: lab,
    },
    labClaim: { status: 200, body: { drivers: ['sandbox'] }, headers: lab },
    labHeartbeat: { status: 409, path: { id: ids.run }, body: { attempt: 9 }, headers: lab },
    labOutput: {
      status: 409,
      path: { id: ids.run },
      body: { attempt: 9, step: 'apply', text: 'Unpacking ...' },
      headers: lab,
    },
    labProgress: {
      status: 409,
      path: { id: ids.run },
      body: { attempt: 9, step: 'baseline', state: 'started' },
      headers: lab,
    },
    labReport: {
      status: 409,
      path: { id: ids.run },
      body: {
        attempt: 9,
        observations: nothingSeen(golden),
        evidence: [],
      },
      headers: lab,
    },
    labArtefact: { status: 404, path: { sha256: artefact.sha256 }, headers: lab },
    labEvidence: {
      status: 204,
      path: { sha256: sha256Hex(evidence) },
      body: evidence,
      headers: { ...lab, 'content-type': 'application/octet-stream' },
    },
    getEvidence: { status: 200, path: { sha256: sha256Hex(evidence) } },
    signOut: { status: 204 },
  });

  const asDevice = (method: string, path: string, body?: unknown): Pick<Call, 'body' | 'headers'> => ({
    headers: rest.device.headers(method, path, body === undefined ? '' : JSON.stringify(body)),
    ...(body === undefined ? {} : { body }),
  });

  it('is called, or listed with the reason why it cannot be', () => {
    const known = [...Object.keys(calls()), ...Object.keys(CANNOT)];
    expect(known.sort()).toEqual(operations.map(({ operationId }) => operationId).sort());
  });

  it('takes what it says it takes, and answers what it says it answers', async () => {
    await queueRun(rest, golden);
    const written: Noted[] = [];
    expect(await violations(rest, document, calls(), person, written)).toEqual([]);
    expectAudited(written);
  });

  it('would be found out if it answered anything else', async () => {
    const other = JSON.parse(JSON.stringify(document)) as typeof document & {
      components: { schemas: Record<string, { required: string[] }> };
    };
    other.components.schemas['Tenant']?.required.push('revenue');
    const { listTenants, listDevices } = calls();
    if (!listTenants || !listDevices) throw new Error('The lists are gone.');
    expect(JSON.stringify(await violations(rest, other, { listTenants, listDevices }, person))).toMatch(
      /^\[\["listTenants".*revenue/,
    );
  });
});
