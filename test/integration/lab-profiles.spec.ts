import type { AuditPage, LabProfileDetail, LabProfiles, Problem } from '@vouch/contracts';
import { declareProfiles, profileDigest, parseProfile, RunnerRegistry } from '@vouch/lab';
import { shared } from '@vouch/platform';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { msp, RestFixture, tenants } from './rest-fixture.js';

const text = (title: string, name = 'time-clock'): string => `name: ${name}
title: ${title}
stream: debian-12-amd64
components:
  - package: nginx
probes:
  - type: tcp
    name: answers
    port: 80
`;
const builtIn = parseProfile(text('Comes with Vouch', 'ours'), 'ours.yaml');
const declared = [{ digest: profileDigest(builtIn), profile: builtIn }];

describe('profiles that operators add', () => {
  let rest: RestFixture;
  let operator: Record<string, string>;
  let registry: RunnerRegistry;
  const send = (route: string, body?: unknown, headers = operator): Promise<Response> =>
    fetch(`${rest.api.url}/api/v1/lab/profiles${route}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        ...headers,
        'x-vouch-csrf': '1',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const add = async (source: string, wanted = true): Promise<LabProfileDetail> =>
    (await (await send('', { source, wanted })).json()) as LabProfileDetail;
  const list = async (): Promise<LabProfiles['items']> => ((await (await send('')).json()) as LabProfiles).items;
  const declare = (): Promise<void> =>
    rest.api.database.platform.transaction(shared, (tx) => declareProfiles(tx, declared));
  /** The names of what a lab host is asked to build. */
  const asked = async (): Promise<string[]> => {
    const driver = { name: 'sandbox', fidelity: 'full' as const, capabilities: [] };
    const { profiles } = await registry.welcome('host', { name: 'host', drivers: [driver] }, 'test');
    return profiles.map(({ profile }) => profile.title);
  };

  beforeAll(async () => {
    rest = await RestFixture.start();
    operator = await rest.operator();
    registry = new RunnerRegistry(rest.api.database.app, () => new Date());
    await declare();
  });
  afterAll(() => rest.stop());

  it('are checked without being stored', async () => {
    const answer = await send('/check', { source: text('Time clock') });
    expect(await answer.json()).toMatchObject({
      definition: { title: 'Time clock', components: [{ package: 'nginx' }] },
    });
    expect((await list()).map(({ name }) => name)).not.toContain('time-clock');
  });

  it.each([
    ['broken YAML', 'name: [', 'line 1'],
    ['a field that is missing', 'name: x', 'in title'],
    ['an alias', `${text('a')}files: &f []\nseed: *f\n`, 'aliases'],
    ['a tag that makes something of it', `${text('a')}seed: !!binary aGk=\n`, 'seed'],
    [
      'a bomb',
      `a: &a [x,x]\n${'bcdefghij'
        .split('')
        .map((to, at) => `${to}: &${to} [*${'abcdefghi'[at]},*${'abcdefghi'[at]}]`)
        .join('\n')}\n`,
      'aliases',
    ],
  ])('are refused with %s, and say where', async (_case, source, where) => {
    for (const route of ['', '/check']) {
      const answer = await send(route, route === '' ? { source, wanted: true } : { source });
      expect(answer.status).toBe(422);
      expect(((await answer.json()) as Problem).detail).toContain(where);
    }
  });

  it('are built by lab hosts when they are wanted; a new version replaces the old one, which stays', async () => {
    const first = await add(text('First'));
    expect(first).toMatchObject({ origin: 'added', state: 'active', wanted: true, source: text('First') });
    expect(await asked()).toContain('First');
    const second = await add(text('Second'));
    expect(second.digest).not.toBe(first.digest);
    expect(
      (await list()).filter(({ name }) => name === 'time-clock').map(({ title, state }) => [title, state]),
    ).toEqual(
      expect.arrayContaining([
        ['First', 'replaced'],
        ['Second', 'active'],
      ]),
    );
    expect(await asked()).toEqual(expect.arrayContaining(['Second']));
    expect(await asked()).not.toContain('First');
    expect((await add(text('Second'))).digest).toBe(second.digest);
  });

  it('are withdrawn, also those that come with Vouch, and stay so when the worker starts again', async () => {
    const { digest } = await add(text('To go', 'short-lived'));
    const [ours] = declared;
    for (const [gone, why] of [
      [digest, 'Nobody has one any more'],
      [ours?.digest, 'It wears the lab out'],
    ])
      expect((await send(`/${gone}/withdraw`, { why })).status).toBe(204);
    expect((await send(`/${digest}/withdraw`, { why: 'again' })).status).toBe(404);
    await declare();
    const states = new Map((await list()).map((profile) => [profile.digest, profile.state]));
    expect([states.get(digest), states.get(ours?.digest ?? '')]).toEqual(['withdrawn', 'withdrawn']);
    expect(await asked()).not.toContain('To go');
    expect((await add(text('To go', 'short-lived'))).state).toBe('active');
  });

  it('do not disappear when the worker declares those that come with Vouch', async () => {
    const { digest } = await add(text('Stays', 'stays'));
    await declare();
    expect((await list()).find((profile) => profile.digest === digest)?.state).toBe('active');
  });

  it('cannot take the name of one that comes with Vouch', async () => {
    const answer = await send('', { source: text('Not ours', 'ours') });
    expect([answer.status, ((await answer.json()) as Problem).code]).toEqual([409, 'name-taken']);
  });

  it('are read by consultancies, and changed by operators alone, which the audit trail tells', async () => {
    const body = { source: text('Mine', 'mine') };
    for (const [who, read] of [
      [msp.boss, 200],
      [msp.technician, 200],
      [tenants.one.owner, 403],
    ] as const) {
      const headers = await rest.person(who);
      expect((await send('', undefined, headers)).status, who).toBe(read);
      expect((await send('', body, headers)).status, who).toBe(403);
      expect((await send(`/${declared[0]?.digest}/withdraw`, { why: 'x' }, headers)).status, who).toBe(403);
    }
    const trail = (await (await rest.api.get('/api/v1/audit?order=newest&limit=200', operator)).json()) as AuditPage;
    const acts = trail.items.map(({ action, why }) => `${action}: ${why}`);
    expect(acts).toEqual(expect.arrayContaining(['profile.add: Second', 'profile.withdraw: It wears the lab out']));
  });
});
