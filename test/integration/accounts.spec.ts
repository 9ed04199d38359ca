import { idOf, sha256Hex, shared } from '@vouch/platform';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { organisation, PASSWORD, TestApi } from './api.js';
import { mailsTo, Person, problemCode } from './people.js';

const [north, south] = organisation;
const [one, two] = north?.tenants ?? [];
const [elsewhere] = south?.tenants ?? [];
if (!north || !south || !one || !two || !elsewhere) throw new Error('The organisation of the tests is not whole.');
const NEXT = 'seven lamps under dark water';

let api: TestApi;
beforeAll(async () => {
  api = await TestApi.start({ VOUCH_TRUSTED_PROXIES: ['127.0.0.1'] });
});
afterAll(() => api.stop());

/** Wrong guesses of one test must not slow the next one down. */
const forgetGuesses = (): Promise<unknown> =>
  api.database.platform.transaction(shared, (tx) => tx.query('delete from identity_guess'));

/** Waits that have begun last longer, so that a slow machine does not outlast them; where none has begun, none does. */
const lengthenWaits = (): Promise<unknown> =>
  api.database.platform.transaction(shared, (tx) =>
    tx.query(`update identity_guess set blocked_until = blocked_until + interval '5 minutes'`),
  );

/** As through a proxy that says where the request came from. */
const signInFrom = (address: string, password: string): Promise<Response> =>
  api.post('/api/v1/session', { email: two.owner, password }, { 'x-vouch-csrf': '1', 'x-forwarded-for': address });

describe('signing in', () => {
  it('asks a technician for a second factor before anything else', async () => {
    const person = new Person(api, north.technician);
    const answer = (await (await person.signIn()).json()) as { secondFactor: string };
    expect(answer.secondFactor).toBe('enrolment-needed');
    expect(await problemCode(await person.send('GET', '/api/v1/overview'))).toEqual([
      403,
      'second-factor-enrolment-needed',
    ]);
    expect(
      await problemCode(await person.send('PUT', '/api/v1/account/password', { present: PASSWORD, next: NEXT })),
    ).toEqual([403, 'second-factor-enrolment-needed']);
    const { recoveryCodes } = await person.setUpCodes();
    expect(new Set(recoveryCodes).size).toBe(10);
    expect((await person.send('GET', '/api/v1/overview')).status).toBe(200);
  });

  it('with a password alone opens nothing once there are codes, and sets up no others', async () => {
    const first = new Person(api, north.boss);
    await first.signIn();
    const { app, recoveryCodes } = await first.setUpCodes();

    const thief = new Person(api, north.boss);
    expect(((await (await thief.signIn()).json()) as { secondFactor: string }).secondFactor).toBe('needed');
    for (const [method, route, body] of [
      ['GET', '/api/v1/overview'],
      ['POST', '/api/v1/account/codes'],
      ['POST', '/api/v1/account/codes/confirm', { code: '000000' }],
      ['POST', '/api/v1/account/passkeys/options'],
      ['POST', '/api/v1/account/recovery-codes'],
      ['DELETE', '/api/v1/account/codes'],
      ['POST', '/api/v1/session/step-up', { password: PASSWORD }],
      ['GET', '/api/v1/account/sessions'],
    ] as const)
      expect(await problemCode(await thief.send(method, route, body)), route).toEqual([403, 'second-factor-needed']);

    const prove = (body: object): Promise<Response> => thief.send('POST', '/api/v1/session/second-factor', body);
    expect(await problemCode(await prove({ code: '000000' }))).toEqual([403, 'code-refused']);
    // The code that the owner used a moment ago.
    expect(await problemCode(await prove({ code: app.code(-1) }))).toEqual([403, 'code-refused']);
    expect((await prove({ code: app.code() })).status).toBe(200);
    expect((await thief.send('GET', '/api/v1/overview')).status).toBe(200);

    const again = new Person(api, north.boss);
    await again.signIn();
    const recovery = { recoveryCode: recoveryCodes[0]?.toLowerCase().replaceAll('-', ' ') };
    expect((await again.send('POST', '/api/v1/session/second-factor', recovery)).status).toBe(200);
    await again.signIn();
    expect(await problemCode(await again.send('POST', '/api/v1/session/second-factor', recovery))).toEqual([
      403,
      'code-refused',
    ]);
    await forgetGuesses();
  });

  it('changes the secret of the session with each factor: one that was planted or overheard is worth nothing', async () => {
    const victim = new Person(api, one.owner);
    victim.cookie = 'vouch_session=vs_planted-by-somebody-else';
    await victim.signIn();
    expect(victim.cookie).not.toContain('planted');
    const before = victim.cookie;
    await victim.setUpCodes();
    expect(victim.cookie).not.toBe(before);
    expect((await api.get('/api/v1/session', { cookie: before })).status).toBe(401);
    const secret = victim.cookie.split('=')[1] ?? '';
    const changed = secret.slice(0, -1) + (secret.endsWith('A') ? 'B' : 'A');
    for (const value of [changed, sha256Hex(secret), `${secret}%00`, ''])
      expect((await api.get('/api/v1/session', { cookie: `vouch_session=${value}` })).status).toBe(401);
  });

  it('gives no role for the asking', async () => {
    const person = new Person(api, two.owner);
    const body = { email: two.owner, password: PASSWORD, role: 'operator', tenantIds: ['*'] };
    expect((await person.send('POST', '/api/v1/session', body)).status).toBe(400);
  });
});

describe('guessing', () => {
  it('at one account from one address is slowed down, and right guesses are not looked at either', async () => {
    await forgetGuesses();
    const guesser = new Person(api, two.owner);
    const statuses: number[] = [];
    for (let n = 0; n < 8; n += 1) {
      statuses.push((await guesser.signIn(`guess ${n}`)).status);
      await lengthenWaits();
    }
    expect(statuses.slice(0, 5)).toEqual([401, 401, 401, 401, 401]);
    expect(statuses.slice(5)).toEqual([429, 429, 429]);
    const answer = await guesser.signIn();
    expect(answer.status).toBe(429);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    await forgetGuesses();
    expect((await guesser.signIn()).status).toBe(200);
  });

  it('twenty at once counts each of them', async () => {
    await forgetGuesses();
    const statuses = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        new Person(api, two.owner).signIn(`guess ${n}`).then(({ status }) => status),
      ),
    );
    expect(statuses.filter((status) => status === 401).length).toBeLessThanOrEqual(5);
    await forgetGuesses();
  });

  it('one password at many accounts is slowed down too', async () => {
    await forgetGuesses();
    const statuses: number[] = [];
    for (let n = 0; n < 24; n += 1) {
      statuses.push((await new Person(api, `person${n}@stuffing.example`).signIn()).status);
      await lengthenWaits();
    }
    expect(statuses.slice(0, 20).every((status) => status === 401)).toBe(true);
    expect(statuses.slice(20)).toEqual([429, 429, 429, 429]);
    await forgetGuesses();
  });

  it('from all over the world at one account does not keep its owner out', async () => {
    expect((await signInFrom('198.51.100.7', PASSWORD)).status).toBe(200);
    await forgetGuesses();
    expect((await signInFrom('192.0.2.1', 'guess')).status).toBe(401);
    // As if fifty others had guessed meanwhile, each from somewhere else.
    await api.database.platform.transaction(shared, (tx) =>
      tx.query('update identity_guess set failures = failures + 50'),
    );
    expect((await signInFrom('192.0.2.2', 'guess')).status).toBe(401);
    expect((await signInFrom('192.0.2.3', 'guess')).status).toBe(429);
    expect((await signInFrom('203.0.113.9', PASSWORD)).status).toBe(429);
    expect((await signInFrom('198.51.100.7', PASSWORD)).status).toBe(200);
    await forgetGuesses();
  });

  it('from one IPv6 network counts as from one address', async () => {
    const statuses: number[] = [];
    for (let n = 0; n < 6; n += 1) {
      statuses.push((await signInFrom(`2001:db8:0:1:${n}::1`, `guess ${n}`)).status);
      await lengthenWaits();
    }
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429]);
    await forgetGuesses();
  });

  it('codes is slowed down', async () => {
    const person = new Person(api, south.technician);
    await person.signIn();
    const { app } = await person.setUpCodes();
    const thief = new Person(api, south.technician);
    await thief.signIn();
    const statuses: number[] = [];
    for (let n = 0; n < 7; n += 1) {
      statuses.push((await thief.send('POST', '/api/v1/session/second-factor', { code: `00000${n}` })).status);
      await lengthenWaits();
    }
    expect(statuses).toEqual([403, 403, 403, 403, 403, 429, 429]);
    expect((await thief.send('POST', '/api/v1/session/second-factor', { code: app.code() })).status).toBe(429);
    await forgetGuesses();
  });
});

describe('dangerous actions', () => {
  it('ask for a fresh proof of every factor', async () => {
    const person = new Person(api, south.boss);
    await person.signIn();
    const { app } = await person.setUpCodes();
    const invite = (): Promise<Response> =>
      person.send('POST', '/api/v1/invitations', { email: 'x@people.example', role: 'technician' });
    expect((await invite()).status).toBe(201);
    await api.database.platform.transaction(shared, (tx) =>
      tx.query(
        `update identity_session set stepped_up_at = stepped_up_at - interval '11 minutes', created_at = created_at - interval '11 minutes'`,
      ),
    );
    for (const [method, route] of [
      ['POST', '/api/v1/invitations'],
      ['POST', '/api/v1/api-keys'],
      ['POST', '/api/v1/webhook-endpoints'],
      ['POST', '/api/v1/holds'],
      ['POST', '/api/v1/waivers'],
      ['PUT', `/api/v1/policies/${idOf('any')}`],
      ['POST', '/api/v1/statements'],
      ['POST', `/api/v1/tenants/${south.tenants[0]?.id ?? ''}/portal-session`],
      ['POST', '/api/v1/account/codes'],
      ['DELETE', '/api/v1/account/codes'],
      ['POST', '/api/v1/account/recovery-codes'],
      ['DELETE', `/api/v1/members/${idOf(south.reader)}`],
    ] as const)
      expect(await problemCode(await person.send(method, route)), route).toEqual([403, 'step-up-needed']);
    // The second step of signing in proves a code and no password: the session is as fresh as its password.
    expect((await person.send('POST', '/api/v1/session/second-factor', { code: app.code() })).status).toBe(200);
    expect(await problemCode(await invite())).toEqual([403, 'step-up-needed']);
    const stepUp = (body: object): Promise<Response> => person.send('POST', '/api/v1/session/step-up', body);
    expect((await stepUp({ password: PASSWORD })).status).toBe(403);
    expect((await stepUp({ code: app.code() })).status).toBe(401);
    expect((await stepUp({ password: PASSWORD, code: app.code(1) })).status).toBe(200);
    expect((await invite()).status).toBe(201);
  });
});

describe('an account', () => {
  it('takes a new password that is hard to guess, and ends every other session', async () => {
    const [here, there] = [new Person(api, two.owner), new Person(api, two.owner)];
    await here.signIn();
    await there.signIn();
    const change = (next: string, present = PASSWORD): Promise<Response> =>
      here.send('PUT', '/api/v1/account/password', { present, next });
    for (const easy of ['short', 'password1234', 'aaaaaaaaaaaaaaaa', `${two.owner}1`, 'qwertyuiop12'])
      expect(await problemCode(await change(easy)), easy).toEqual([422, 'password-refused']);
    expect((await change(NEXT, 'not it')).status).toBe(401);
    expect((await change(NEXT)).status).toBe(204);
    expect((await there.send('GET', '/api/v1/session')).status).toBe(401);
    expect((await here.send('GET', '/api/v1/session')).status).toBe(200);
    expect((await there.signIn()).status).toBe(401);
    expect((await there.signIn(NEXT)).status).toBe(200);
    expect((await mailsTo(api, two.owner)).map(({ subject }) => subject)).toEqual([
      'Your password for Vouch was changed',
    ]);
  });

  it('ends every other session when it gets a second factor, and when it loses one', async () => {
    const [here, there] = [new Person(api, elsewhere.owner), new Person(api, elsewhere.owner)];
    await here.signIn();
    await there.signIn();
    const { app } = await here.setUpCodes();
    expect((await there.send('GET', '/api/v1/session')).status).toBe(401);
    expect((await here.send('GET', '/api/v1/session')).status).toBe(200);
    await there.signIn();
    expect((await there.send('POST', '/api/v1/session/second-factor', { code: app.code() })).status).toBe(200);
    expect((await there.send('DELETE', '/api/v1/account/codes')).status).toBe(204);
    expect((await here.send('GET', '/api/v1/session')).status).toBe(401);
    expect((await there.send('GET', '/api/v1/session')).status).toBe(200);
  });

  it('shows its sessions to nobody else, and ends them', async () => {
    const [here, there, stranger] = [
      new Person(api, south.reader, 'Here/1'),
      new Person(api, south.reader, 'There/1'),
      new Person(api, north.reader),
    ];
    for (const person of [here, there, stranger]) await person.signIn();
    const list = async (): Promise<{ id: string; userAgent: string; current: boolean }[]> =>
      ((await (await here.send('GET', '/api/v1/account/sessions')).json()) as { items: [] }).items;
    expect((await list()).map(({ userAgent, current }) => [userAgent, current])).toEqual(
      expect.arrayContaining([
        ['Here/1', true],
        ['There/1', false],
      ]),
    );
    const theirs = (await list()).find(({ current }) => !current)?.id ?? '';
    expect((await stranger.send('DELETE', `/api/v1/account/sessions/${theirs}`)).status).toBe(404);
    expect((await here.send('DELETE', `/api/v1/account/sessions/${theirs}`)).status).toBe(204);
    expect((await there.send('GET', '/api/v1/session')).status).toBe(401);
    expect(await list()).toHaveLength(1);
  });

  it('that is left alone for an hour is signed out', async () => {
    const person = new Person(api, north.reader);
    await person.signIn();
    await api.database.platform.transaction(shared, (tx) =>
      tx.query(
        `update identity_session set last_seen_at = last_seen_at - interval '61 minutes', created_at = created_at - interval '61 minutes'`,
      ),
    );
    expect((await person.send('GET', '/api/v1/session')).status).toBe(401);
  });

  it('that is used all day is signed out twelve hours after it was signed in', async () => {
    const person = new Person(api, north.reader);
    await person.signIn();
    const ageBy = (age: string): Promise<unknown> =>
      api.database.platform.transaction(shared, (tx) =>
        tx.query(
          `update identity_session set created_at = created_at - $1::interval, expires_at = expires_at - $1::interval,
                  last_seen_at = now() - interval '5 minutes'`,
          [age],
        ),
      );
    await ageBy('11 hours 58 minutes');
    expect((await person.send('GET', '/api/v1/session')).status).toBe(200);
    await ageBy('3 minutes');
    expect((await person.send('GET', '/api/v1/session')).status).toBe(401);
  });

  it('gets a new password by mail, once, and keeps its second factor', async () => {
    await forgetGuesses();
    const person = new Person(api, south.tenants[0]?.owner ?? '');
    await person.signIn();
    await person.setUpCodes();
    const ask = (email: string): Promise<Response> => person.send('POST', '/api/v1/password-reset', { email });
    const [known, unknown] = [await ask(person.email), await ask('nobody@nowhere.example')];
    expect([known.status, await known.text()]).toEqual([unknown.status, await unknown.text()]);
    const [mail] = await mailsTo(api, person.email);
    expect(await mailsTo(api, 'nobody@nowhere.example')).toEqual([]);
    const secret = /new-password\/(\S+)/.exec(mail?.text ?? '')?.[1];
    const reset = (password: string): Promise<Response> =>
      new Person(api, '').send('POST', '/api/v1/password-reset/confirm', { secret, password });
    expect((await reset('short')).status).toBe(422);
    expect((await reset(NEXT)).status).toBe(204);
    expect(await problemCode(await reset(`${NEXT}!`))).toEqual([403, 'link-refused']);
    expect((await person.send('GET', '/api/v1/session')).status).toBe(401);
    const again = (await (await person.signIn(NEXT)).json()) as { secondFactor: string };
    expect(again.secondFactor).toBe('needed');
    await forgetGuesses();
  });
});
