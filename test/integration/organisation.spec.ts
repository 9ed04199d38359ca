import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEFAULT_POLICY, GiveDefaultPolicyStage } from '@vouch/approval';
import type { MspPage, Policy, Tenant } from '@vouch/contracts';
import { organisation, TestApi } from './api.js';
import { App, mailsTo, Person, problemCode } from './people.js';

const [north] = organisation;
if (!north) throw new Error('The organisation of the tests is not whole.');
const PHRASE = 'seven lamps under dark water';
const SCRIPT = path.resolve(import.meta.dirname, '../../infra/local/operator.mjs');

let api: TestApi;
beforeAll(async () => {
  api = await TestApi.start();
});
afterAll(() => api.stop());

describe('the tree of organisations', () => {
  it('grows from an operator, who is made at the command line, to an MSP, to its tenant', async () => {
    const env = { ...process.env, VOUCH_DATABASE_PLATFORM_URL: api.database.platformUrl, VOUCH_PUBLIC_URL: api.url };
    const said = execFileSync(process.execPath, [SCRIPT, 'Root@installation.example', 'Root'], {
      env,
      encoding: 'utf8',
    });
    const secret = /new-password\/(\S+)/.exec(said)?.[1];
    const operator = new Person(api, 'root@installation.example');
    expect((await operator.send('POST', '/api/v1/password-reset/confirm', { secret, password: PHRASE })).status).toBe(
      204,
    );
    await operator.signIn(PHRASE);
    const makeMsp = (name: string): Promise<Response> =>
      operator.send('POST', '/api/v1/msps', { name, ownerEmail: 'chief@third.example' });
    expect(await problemCode(await makeMsp('Third'))).toEqual([403, 'second-factor-enrolment-needed']);
    await operator.setUpCodes();
    expect(await problemCode(await makeMsp(north.slug))).toEqual([409, 'name-taken']);
    expect((await makeMsp('Third')).status).toBe(201);

    const chief = new Person(api, 'chief@third.example');
    const [mail] = await mailsTo(api, 'chief@third.example');
    const link = /invitation\/(\S+)/.exec(mail?.text ?? '')?.[1];
    const joined = { secret: link, name: 'Chief', password: PHRASE };
    expect((await chief.send('POST', '/api/v1/invitations/accept', joined)).status).toBe(204);
    const { secret: codes } = (await (await chief.send('POST', '/api/v1/account/codes')).json()) as { secret: string };
    const confirmed = await chief.send('POST', '/api/v1/account/codes/confirm', { code: new App(codes).code() });
    expect(confirmed.status).toBe(200);
    const made = (await (await chief.send('POST', '/api/v1/tenants', { name: 'Corner shop' })).json()) as Tenant;
    expect(made).toMatchObject({ name: 'Corner shop', policy: null, devices: 0 });
    const seen = (await (await chief.send('GET', '/api/v1/tenants')).json()) as { items: Tenant[] };
    expect(seen.items.map(({ id }) => id)).toEqual([made.id]);
    // Without a policy nothing would ever be approved for it: the worker gives MSP and tenant one, once.
    const defaults = new GiveDefaultPolicyStage(api.database.platform, () => new Date());
    for (const id of await defaults.pending()) await defaults.process(id);
    expect(await defaults.pending()).toEqual([]);
    const [{ policy } = { policy: null }] = (
      (await (await chief.send('GET', '/api/v1/tenants')).json()) as { items: Tenant[] }
    ).items;
    expect(policy).toMatchObject({ name: DEFAULT_POLICY.name });
    const policies = (await (await chief.send('GET', '/api/v1/policies')).json()) as { items: Policy[] };
    expect(policies.items.map(({ id, rules }) => [id, rules])).toEqual([[policy?.id, DEFAULT_POLICY.rules]]);

    const names: string[] = [];
    for (let next = ''; ;) {
      const page = (await (await operator.send('GET', `/api/v1/msps?limit=2${next}`)).json()) as MspPage;
      names.push(...page.items.map(({ name }) => name));
      if (page.next === null) break;
      next = `&cursor=${page.next}`;
    }
    expect(names.sort()).toEqual([...organisation.map(({ slug }) => slug), 'Third'].sort());
    expect((await chief.send('GET', '/api/v1/msps')).status).toBe(403);
    expect(await problemCode(await chief.send('POST', '/api/v1/tenants', { name: 'Corner shop' }))).toEqual([
      409,
      'name-taken',
    ]);
    expect((await chief.send('POST', '/api/v1/msps', { name: 'Fourth', ownerEmail: 'x@y.example' })).status).toBe(403);
  });

  it('is nobody else’s to grow', async () => {
    for (const email of [north.reader, north.tenants[0]?.owner ?? '']) {
      const person = new Person(api, email);
      person.cookie = await api.signIn(email);
      expect((await person.send('POST', '/api/v1/tenants', { name: 'mine' })).status, email).toBe(403);
    }
  });
});
