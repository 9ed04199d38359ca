import { createHmac, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Sessions, SingleSignOnNeeded } from '@vouch/identity';
import { idOf } from '@vouch/platform';
import { organisation, PASSWORD, TestApi } from './api.js';
import { TestIdentityProvider, type Claims, type Forgery } from './identity-provider.js';
import { mailsTo, Person, problemCode } from './people.js';

const [north, south] = organisation;
if (!north || !south) throw new Error('The organisation of the tests is not whole.');
const CALLBACK = 'http://127.0.0.1/api/v1/single-sign-on/callback';

let api: TestApi;
let provider: TestIdentityProvider;
let boss: Person;
beforeAll(async () => {
  api = await TestApi.start({ VOUCH_ALLOW_PRIVATE_NETWORK: true });
  provider = await TestIdentityProvider.start(CALLBACK);
  boss = new Person(api, north.boss);
  boss.cookie = await api.signIn(north.boss);
});
afterAll(async () => {
  await provider.close();
  await api.stop();
});

const settings = (more: object = {}): object => ({
  issuer: provider.issuer,
  ...provider.client,
  required: false,
  ...more,
});

interface Visit {
  /** Where the provider sends the browser back to. */
  readonly back: URL;
  readonly stateCookie: string;
}

/** Begins at our door and signs in at the provider as somebody. */
async function visit(who: string, msp = north?.id): Promise<Visit> {
  provider.who = who;
  const begun = await fetch(`${api.url}/api/v1/session/single-sign-on/${msp}`, { redirect: 'manual' });
  expect(begun.status).toBe(302);
  const stateCookie = begun.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  return { back: new URL(await provider.visit(begun.headers.get('location') ?? '')), stateCookie };
}

async function comeBack({ back, stateCookie }: Visit): Promise<Response> {
  return fetch(`${api.url}${back.pathname}${back.search}`, { redirect: 'manual', headers: { cookie: stateCookie } });
}

/** The session that an answer began, as its member sees it. */
async function sessionOf(response: Response): Promise<{ member: { email: string }; secondFactor: string }> {
  const cookie = response.headers
    .getSetCookie()
    .map((set) => set.split(';')[0] ?? '')
    .find((pair) => pair.startsWith('vouch_session=vs_'));
  return (await (await api.get('/api/v1/session', { cookie: cookie ?? '' })).json()) as never;
}

const encoded = (part: unknown): string => Buffer.from(JSON.stringify(part)).toString('base64url');
function signed(claims: Claims, header: Claims, key: KeyObject): string {
  const text = `${encoded(header)}.${encoded(claims)}`;
  return `${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}`;
}

describe('single sign-on', () => {
  it('is set up by an owner of the MSP, against a provider that answers', async () => {
    const put = (person: Person, body: object): Promise<Response> => person.send('PUT', '/api/v1/single-sign-on', body);
    const technician = new Person(api, north.technician);
    technician.cookie = await api.signIn(north.technician);
    expect((await put(technician, settings())).status).toBe(403);
    expect(await problemCode(await put(boss, settings({ issuer: 'http://127.0.0.1:9' })))).toEqual([
      422,
      'single-sign-on-failed',
    ]);
    expect((await boss.send('GET', '/api/v1/single-sign-on')).status).toBe(404);
    const made = await put(boss, settings());
    expect(await made.json()).toEqual({
      issuer: provider.issuer,
      clientId: 'vouch',
      required: false,
      version: 1,
      callbackUrl: CALLBACK,
      signInUrl: `http://127.0.0.1/api/v1/session/single-sign-on/${north.id}`,
    });
    const again = (tag?: string): Promise<Response> =>
      boss.send('PUT', '/api/v1/single-sign-on', settings(), tag === undefined ? {} : { 'if-match': tag });
    expect(await problemCode(await again())).toEqual([428, 'condition-needed']);
    expect(await problemCode(await again('"v2"'))).toEqual([412, 'changed-meanwhile']);
    const tag = (await boss.send('GET', '/api/v1/single-sign-on')).headers.get('etag') ?? '';
    expect([tag, (await again(tag)).headers.get('etag')]).toEqual(['"v1"', '"v2"']);
    expect((await again(tag)).status).toBe(412);
    const other = new Person(api, south.boss);
    other.cookie = await api.signIn(south.boss);
    expect((await other.send('PUT', '/api/v1/single-sign-on', settings(), { 'if-match': tag })).status).toBe(412);
    expect((await other.send('GET', '/api/v1/single-sign-on')).status).toBe(404);
    expect((await fetch(`${api.url}/api/v1/session/single-sign-on/${south.id}`)).status).toBe(404);
  });

  it('signs in whom the provider vouches for, and asks for our second factor if the provider did not', async () => {
    provider.accounts['kim'] = { email: north.technician.toUpperCase(), email_verified: true };
    const answer = await comeBack(await visit('kim'));
    expect([answer.status, answer.headers.get('location')]).toEqual([302, '/']);
    expect(await sessionOf(answer)).toMatchObject({
      member: { email: north.technician },
      secondFactor: 'enrolment-needed',
    });
    provider.accounts['kim'] = { ...provider.accounts['kim'], amr: ['pwd', 'otp'] };
    expect(await sessionOf(await comeBack(await visit('kim')))).toMatchObject({ secondFactor: 'done' });
  });

  it('stays with the person when the address changes hands', async () => {
    provider.accounts['kim'] = { email: 'renamed@north.example', email_verified: true, amr: ['mfa'] };
    provider.accounts['heir'] = { email: north.technician, email_verified: true, amr: ['mfa'] };
    expect(await sessionOf(await comeBack(await visit('kim')))).toMatchObject({ member: { email: north.technician } });
    expect(await problemCode(await comeBack(await visit('heir')))).toEqual([403, 'single-sign-on-refused']);
  });

  it.each([
    ['an address that the provider did not verify', { email: north.reader, email_verified: false }],
    ['a stranger', { email: 'stranger@elsewhere.example', email_verified: true }],
    ['a member of another MSP', { email: south.technician, email_verified: true }],
    ['a member of a customer', { email: north.tenants[0]?.owner ?? '', email_verified: true }],
  ])('lets in nobody by %s', async (what, account) => {
    provider.accounts[what] = { ...account, amr: ['mfa'] };
    expect(await problemCode(await comeBack(await visit(what)))).toEqual([403, 'single-sign-on-refused']);
  });

  it('takes nothing that was not begun in this browser, twice, or with something changed', async () => {
    const failed = [422, 'single-sign-on-failed'];
    const good = await visit('kim');
    expect(await problemCode(await comeBack({ ...good, stateCookie: '' })), 'another browser').toEqual(failed);
    expect((await comeBack(good)).status).toBe(302);
    expect(await problemCode(await comeBack(good)), 'twice').toEqual(failed);

    const changed = await visit('kim');
    changed.back.searchParams.set('code', 'x'.repeat(43));
    expect(await problemCode(await comeBack(changed)), 'another code').toEqual(failed);

    const [mine, theirs] = [await visit('kim'), await visit('kim')];
    mine.back.searchParams.set('code', theirs.back.searchParams.get('code') ?? '');
    expect(await problemCode(await comeBack(mine)), 'the code of another sign-in').toEqual(failed);

    const mixedUp = await visit('kim');
    mixedUp.back.searchParams.set('iss', 'https://elsewhere.example');
    expect(await problemCode(await comeBack(mixedUp)), 'another issuer').toEqual(failed);
    expect((await fetch(`${api.url}/api/v1/single-sign-on/callback`)).status).toBe(422);
  });

  const second = (): number => Math.floor(Date.now() / 1000);
  const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  it.each<[string, Forgery, boolean?]>([
    ['signed by the provider, which is good', (claims, header, key) => signed(claims, header, key), true],
    [
      'of another issuer',
      (claims, header, key) => signed({ ...claims, iss: 'https://elsewhere.example' }, header, key),
    ],
    ['for another client', (claims, header, key) => signed({ ...claims, aud: 'somebody-else' }, header, key)],
    [
      'for several, and meant for another',
      (c, header, key) => signed({ ...c, aud: ['vouch', 'x'], azp: 'x' }, header, key),
    ],
    ['of another sign-in', (claims, header, key) => signed({ ...claims, nonce: 'n'.repeat(43) }, header, key)],
    ['without a nonce', ({ nonce: _nonce, ...claims }, header, key) => signed(claims, header, key)],
    [
      'that has expired',
      (claims, header, key) => signed({ ...claims, exp: second() - 60, iat: second() - 120 }, header, key),
    ],
    ['signed by another key', (claims, header) => signed(claims, header, stranger)],
    [
      'signed by a key that it brings itself',
      (claims, header) => {
        const jwk = createPublicKey(stranger).export({ format: 'jwk' });
        return signed(claims, { ...header, jwk }, stranger);
      },
    ],
    [
      'with something changed',
      (claims, header, key) => {
        const [, , signature] = signed(claims, header, key).split('.');
        return `${encoded(header)}.${encoded({ ...claims, sub: 'boss' })}.${signature}`;
      },
    ],
    ['without a signature', (claims) => `${encoded({ alg: 'none' })}.${encoded(claims)}.`],
    ['that says it has none, and has one', (claims, header, key) => signed(claims, { ...header, alg: 'none' }, key)],
    [
      'signed with what both know',
      (claims, header) => {
        const head = `${encoded({ ...header, alg: 'HS256' })}.${encoded(claims)}`;
        return `${head}.${createHmac('sha256', provider.client.clientSecret).update(head).digest('base64url')}`;
      },
    ],
  ])('takes an identity token only from the provider: one %s', async (_what, forgery, isGood = false) => {
    provider.accounts['kim'] = { email: north.technician, email_verified: true, amr: ['mfa'] };
    const begun = await visit('kim');
    provider.forgery = forgery;
    const answer = await comeBack(begun);
    provider.forgery = null;
    if (isGood) expect(answer.status).toBe(302);
    else expect(await problemCode(answer)).toEqual([422, 'single-sign-on-failed']);
    expect(answer.headers.getSetCookie().some((set) => set.startsWith('vouch_session=vs_'))).toBe(isGood);
  });

  it('when it is required leaves passwords and passkeys to owners and customers', async () => {
    const tag = (await boss.send('GET', '/api/v1/single-sign-on')).headers.get('etag') ?? '';
    const put = await boss.send('PUT', '/api/v1/single-sign-on', settings({ required: true }), { 'if-match': tag });
    expect(put.status).toBe(200);
    const signIn = (email: string, password = PASSWORD): Promise<Response> => new Person(api, email).signIn(password);
    expect(await problemCode(await signIn(north.reader))).toEqual([403, 'single-sign-on-needed']);
    expect((await signIn(north.reader, 'not it')).status).toBe(401);
    const sessions = new Sessions(api.database.app, () => new Date());
    for (const method of ['passkey', 'password'] as const)
      await expect(sessions.begin(idOf(north.reader), { method, secondFactor: true }), method).rejects.toThrow(
        SingleSignOnNeeded,
      );
    for (const email of [north.boss, south.reader, north.tenants[0]?.owner ?? ''])
      expect((await signIn(email)).status, email).toBe(200);
    await sessions.begin(idOf(north.boss), { method: 'passkey', secondFactor: true });

    // Whoever joins by invitation is a member then, and signs in where all do.
    const joiner = 'joiner@north.example';
    await boss.send('POST', '/api/v1/invitations', { email: joiner, role: 'msp-reader' });
    const [mail] = await mailsTo(api, joiner);
    const secret = /invitation\/(\S+)/.exec(mail?.text ?? '')?.[1];
    const person = new Person(api, joiner);
    const accepted = await person.send('POST', '/api/v1/invitations/accept', {
      secret,
      name: 'Joiner',
      password: 'seven lamps under dark water',
    });
    expect(await problemCode(accepted)).toEqual([403, 'single-sign-on-needed']);
    expect(person.cookie).toBe('');
    provider.accounts['joiner'] = { email: joiner, email_verified: true, amr: ['mfa'] };
    expect(await sessionOf(await comeBack(await visit('joiner')))).toMatchObject({ member: { email: joiner } });
    expect((await boss.send('DELETE', '/api/v1/single-sign-on')).status).toBe(204);
    expect((await signIn(north.reader)).status).toBe(200);
  });

  it('never calls a provider inside the private network, unless the installation allows it', async () => {
    const strict = await TestApi.start();
    const owner = new Person(strict, north.boss);
    owner.cookie = await strict.signIn(north.boss);
    for (const issuer of [provider.issuer, 'https://169.254.169.254', 'https://localhost', 'https://[::1]'])
      expect(
        await problemCode(await owner.send('PUT', '/api/v1/single-sign-on', settings({ issuer }))),
        issuer,
      ).toEqual([422, 'single-sign-on-failed']);
    await strict.stop();
  });
});
