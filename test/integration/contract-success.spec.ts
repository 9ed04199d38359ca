import fs from 'node:fs';
import path from 'node:path';
import { ContentStore, sha256Hex, shared } from '@vouch/platform';
import Stripe from 'stripe';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fingerprint, LAB_TOKEN, PASSWORD, TestDevice } from './api.js';
import { document, nothingSeen, operations, queueRun, violations, type Call } from './contract-walk.js';
import { App, mailsTo, Person } from './people.js';
import { artefact, ids, msp, RestFixture, tenants } from './rest-fixture.js';

const golden = sha256Hex('golden');
const lab = { authorization: `Bearer ${LAB_TOKEN}` };
const evidence = 'a line of a log';
const PROFILE = 'name: y\ntitle: Y\nstream: debian-12-amd64\ncomponents: [{ package: nginx }]\n';
const NEW_PASSWORD = 'seven lamps under water';
const UNKNOWN_EVENT = JSON.stringify({ id: 'evt_1', object: 'event', type: 'nothing.known', data: { object: {} } });

/** What succeeds only against something that this walk has not got, and where its success is seen. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  watch: 'the browser tests read its events',
  signInWithPasskey: 'passkeys need an authenticator: accounts-in-browser.spec.ts has one',
  provePasskey: 'as above',
  addPasskey: 'as above',
  removePasskey: 'as above',
  beginSingleSignOn: 'needs an identity provider: single-sign-on.spec.ts runs one',
  finishSingleSignOn: 'as above',
  getSingleSignOn: 'as above',
  configureSingleSignOn: 'as above',
  removeSingleSignOn: 'as above',
  openPortal: 'needs the payment provider: billing.spec.ts',
};

describe('operations that contract.spec.ts sees refused', () => {
  let rest: RestFixture;
  let operator: Record<string, string>;
  let boss: Record<string, string>;
  let owner: Person;
  let app: App;
  let run: string;
  let spare: TestDevice;

  beforeAll(async () => {
    rest = await RestFixture.start();
    operator = await rest.operator();
    boss = await rest.person(msp.boss);
    owner = new Person(rest.api, tenants.two.owner);
    spare = new TestDevice(rest.api);
    const { platform } = rest.api.database;
    await platform.transaction(shared, (tx) =>
      tx.query('update approval_channel set envelope = $2, envelope_sha256 = $3, published_version = 1 where id = $1', [
        ids.channel,
        JSON.stringify({ payloadType: 'x', payload: 'e30=', signatures: [{ keyid: 'k', sig: 'AA==' }] }),
        sha256Hex('envelope'),
      ]),
    );
    for (const file of [`channels/${ids.channel}/Release`, 'agent/vouch-agent.deb']) {
      const at = path.join(rest.api.dataDir, file);
      fs.mkdirSync(path.dirname(at), { recursive: true });
      fs.writeFileSync(at, '!<arch>');
    }
    await new ContentStore(path.join(rest.api.dataDir, 'artefacts')).put(Buffer.from('web 2'), artefact.sha256);
    const hello = {
      name: 'lab',
      drivers: [{ name: 'sandbox', fidelity: 'full', capabilities: ['packages'], capacity: 2 }],
    };
    await rest.api.post('/lab/v1/hello', hello, lab);
    await rest.api.post(
      '/lab/v1/goldens',
      { profileDigest: sha256Hex('something'), state: 'ready', digest: golden },
      lab,
    );
    await owner.signIn();
    const { secret } = (await (await owner.send('POST', '/api/v1/account/codes')).json()) as { secret: string };
    app = new App(secret);
  });
  afterAll(() => rest.stop());

  const asOwner = (): Record<string, string> => ({ cookie: owner.cookie, 'x-vouch-csrf': '1' });
  /** A session in which nothing but the password was proved. */
  const half = async (): Promise<Record<string, string>> => {
    owner.cookie = '';
    await owner.signIn();
    return asOwner();
  };
  const secretFor = async (recipient: string): Promise<string> => {
    const mail = (await mailsTo(rest.api, recipient)).at(-1);
    const secret = /\bv[ip]_[\w-]+/.exec(mail?.text ?? '')?.[0];
    if (secret === undefined) throw new Error(`No link was sent to ${recipient}.`);
    return secret;
  };
  const asDevice = (method: string, route: string, body?: unknown): Pick<Call, 'body' | 'headers'> => ({
    headers: rest.device.headers(method, route, body === undefined ? '' : JSON.stringify(body)),
    ...(body === undefined ? {} : { body }),
  });
  const outcome = {
    revisionId: ids.revision,
    channelVersion: 1,
    result: 'installed',
    healthy: false,
    probes: [{ name: 'service web runs', ok: false, detail: '' }],
    detail: 'After it: service web runs',
    installed: [{ package: 'web', version: '2', sha256: artefact.sha256 }],
  };
  const log = { name: 'apply.log', mediaType: 'text/plain', sizeBytes: evidence.length, sha256: sha256Hex(evidence) };

  const calls = (): Record<string, Call | (() => Call | Promise<Call>)> => ({
    confirmCodes: () => ({ status: 200, body: { code: app.code(-1) }, headers: asOwner() }),
    proveSecondFactor: async () => ({ status: 200, body: { code: app.code(0) }, headers: await half() }),
    stepUp: async () => ({
      status: 200,
      body: { password: PASSWORD, code: app.code(1) },
      headers: await rest.person(tenants.two.owner),
    }),
    endSession: async () => {
      const [headers] = [await rest.person(tenants.two.owner), await rest.person(tenants.two.owner)];
      const { items } = (await (await rest.api.get('/api/v1/account/sessions', headers)).json()) as {
        items: { id: string; current: boolean }[];
      };
      return { status: 204, path: { id: items.find(({ current }) => !current)?.id ?? '' }, headers };
    },
    removeCodes: async () => ({ status: 204, headers: await rest.person(tenants.two.owner) }),
    changePassword: async () => ({
      status: 204,
      body: { present: PASSWORD, next: NEW_PASSWORD },
      headers: await rest.person(tenants.two.owner),
    }),
    resetPassword: async () => {
      await rest.api.post('/api/v1/password-reset', { email: tenants.two.owner });
      const body = { secret: await secretFor(tenants.two.owner), password: 'eight lamps under water' };
      return { status: 204, body, headers: {} };
    },
    lookAtInvitation: async () => {
      await rest.api.post('/api/v1/invitations', { email: 'kim@people.example', role: 'technician' }, boss);
      return { status: 200, body: { secret: await secretFor('kim@people.example') }, headers: {} };
    },
    acceptInvitation: async () => ({
      status: 204,
      body: { secret: await secretFor('kim@people.example'), name: 'Kim', password: NEW_PASSWORD },
      headers: {},
    }),
    createMsp: { status: 201, body: { name: 'Third', ownerEmail: 'third@people.example' }, headers: operator },
    checkLabProfile: { status: 200, body: { source: PROFILE }, headers: operator },
    withdrawLabProfile: async () => {
      const made = await rest.api.post('/api/v1/lab/profiles', { source: PROFILE }, operator);
      const { digest } = (await made.json()) as { digest: string };
      return { status: 204, path: { digest }, body: { why: 'Not ours any more' }, headers: operator };
    },
    cancelRun: async () => {
      run = await queueRun(rest, golden);
      return { status: 204, path: { id: run }, body: { why: 'The vendor has withdrawn it' }, headers: operator };
    },
    resumeRun: () => ({ status: 204, path: { id: run }, headers: operator }),
    labClaim: { status: 200, body: { drivers: ['sandbox'] }, headers: lab },
    labHeartbeat: () => ({ status: 204, path: { id: run }, body: { attempt: 1 }, headers: lab }),
    labOutput: () => ({
      status: 204,
      path: { id: run },
      body: { attempt: 1, step: 'apply', text: 'Unpacking ...' },
      headers: lab,
    }),
    labProgress: () => ({
      status: 204,
      path: { id: run },
      body: { attempt: 1, step: 'baseline', state: 'started' },
      headers: lab,
    }),
    labArtefact: { status: 200, path: { sha256: artefact.sha256 }, headers: lab },
    labEvidence: {
      status: 204,
      path: { sha256: sha256Hex(evidence) },
      body: evidence,
      headers: { ...lab, 'content-type': 'application/octet-stream' },
    },
    labReport: () => ({
      status: 204,
      path: { id: run },
      body: { attempt: 1, observations: nothingSeen(golden), evidence: [log] },
      headers: lab,
    }),
    enrolDevice: async () => ({
      status: 200,
      body: {
        token: await rest.api.enrolmentToken(tenants.one.id, msp.technician),
        name: 'till',
        publicKeyPem: spare.publicKeyPem,
      },
      headers: {},
    }),
    reportFingerprint: () => ({ status: 204, ...asDevice('PUT', '/device/v1/fingerprint', fingerprint()) }),
    getManifest: () => ({ status: 200, ...asDevice('GET', '/device/v1/manifest') }),
    reportOutcome: () => ({ status: 204, ...asDevice('POST', '/device/v1/outcomes', outcome) }),
    getAptFile: { status: 200, path: { channelId: ids.channel, path: 'Release' }, headers: {} },
    getAgent: { status: 200, headers: {} },
    receivePaymentEvent: {
      status: 204,
      body: UNKNOWN_EVENT,
      headers: {
        'content-type': 'application/json',
        'stripe-signature': Stripe.webhooks.generateTestHeaderString({
          payload: UNKNOWN_EVENT,
          secret: 'whsec_tests',
        }),
      },
    },
  });

  it('answer as they say they do when they succeed', async () => {
    expect(await violations(rest, document, calls(), boss)).toEqual([]);
  });

  it('are all here, or their success is seen elsewhere', async () => {
    const source = fs.readFileSync(path.join(import.meta.dirname, 'contract.spec.ts'), 'utf8');
    const refused = [...source.matchAll(/^ {4}(\w+): \{\s*status: [45]\d\d/gm)].map(([, id]) => id);
    expect(refused.length).toBeGreaterThan(20);
    const here = Object.entries(calls()).map(([id]) => id);
    expect(refused.filter((id) => !here.includes(id ?? '') && !((id ?? '') in ELSEWHERE))).toEqual([]);
    const known = operations.map(({ operationId }) => operationId);
    expect([...here, ...Object.keys(ELSEWHERE)].filter((id) => !known.includes(id))).toEqual([]);
  });
});
