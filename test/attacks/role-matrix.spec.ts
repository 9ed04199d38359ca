import type { Type } from '@nestjs/common';
import {
  actionsOf,
  keyActionsOf,
  registerMember,
  registerOperator,
  roles,
  type Action,
  type Role,
} from '@vouch/identity';
import { idOf, sha256Hex, shared } from '@vouch/platform';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AccessRule } from '../../apps/api/src/access/access.js';
import { AppModule } from '../../apps/api/src/app.module.js';
import { declaredRoutes } from '../../apps/api/src/openapi/routes.js';
import { Services } from '../../apps/api/src/services.js';
import { LAB_TOKEN, organisation, PASSWORD, TestApi, TestDevice } from '../integration/api.js';
import { operationsOf, type OpenApi } from './openapi.js';
import { REFUSALS, refusalOf, type Knocker } from './role-matrix.js';

const [north] = organisation;
const [one] = north?.tenants ?? [];
if (!north || !one) throw new Error('The organisation of the tests is not whole.');
const EMAILS: Readonly<Record<Role, string>> = {
  operator: 'root@installation.example',
  'msp-owner': north.boss,
  technician: north.technician,
  'msp-reader': north.reader,
  'tenant-owner': one.owner,
  'tenant-viewer': 'viewer@one.north.example',
};

interface Route {
  readonly method: string;
  /** With ids that exist nowhere, so that whoever gets in changes nothing. */
  readonly url: string;
  readonly title: string;
  readonly access: AccessRule;
  /** A field that no schema has, where there is a body. */
  readonly body: string | undefined;
}
type Headers = Record<string, string>;

/** These end the sessions of whoever asks, so they are asked last. */
const LAST = ['DELETE /api/v1/account/sessions', 'DELETE /api/v1/session'];

describe('every caller at every route', () => {
  let api: TestApi;
  let routes: Route[];
  let device: TestDevice;
  beforeAll(async () => {
    api = await TestApi.start();
    await api.database.platform.transaction(shared, async (tx) => {
      await registerOperator(tx, { id: idOf(EMAILS.operator), email: EMAILS.operator, name: 'Root' }, new Date());
      const role = 'tenant-viewer';
      const viewer = { id: idOf(EMAILS[role]), email: EMAILS[role], name: 'Viewer', role, password: PASSWORD } as const;
      await registerMember(tx, { ...viewer, mspId: north.id, tenantId: one.id });
    });
    device = new TestDevice(api);
    await device.enrol(await api.enrolmentToken(one.id, north.technician));
    const document = (await (await api.get('/api/openapi.json')).json()) as OpenApi;
    const { controllers = [] } = AppModule.with({} as never, {} as never, {} as never);
    const declared = new Map(
      declaredRoutes(controllers as readonly Type[]).map(({ method, path, access }) => [
        `${method.toUpperCase()} ${path}`,
        access,
      ]),
    );
    routes = operationsOf(document).map(({ method, path, parameters, body }) => {
      const title = `${method} ${path}`;
      const access = declared.get(title);
      if (access === undefined) throw new Error(`${title} is described, but declares no access.`);
      const url = parameters
        .filter((parameter) => parameter.in === 'path')
        .reduce((text, { name, value }) => text.replace(`{${name}}`, encodeURIComponent(value)), path);
      return { method, url, title, access, body: body === undefined ? undefined : '{"noSuchField":true}' };
    });
    routes.sort((a, b) => LAST.indexOf(a.title) - LAST.indexOf(b.title));
  });
  afterAll(() => api.stop());

  async function sessionOf({ role, lacks }: Extract<Knocker, { kind: 'member' }>): Promise<Headers> {
    const { sessions, cookie } = api.app.get(Services).people;
    const secondFactor = lacks !== 'second factor';
    const { secret } = await sessions.begin(idOf(EMAILS[role]), {
      method: secondFactor ? 'passkey' : 'password',
      secondFactor,
    });
    if (lacks === 'fresh proof')
      await api.database.platform.transaction(shared, (tx) =>
        tx.query("update identity_session set stepped_up_at = now() - interval '1 day' where token_sha256 = $1", [
          sha256Hex(secret),
        ]),
      );
    return { cookie: `${cookie.name}=${secret}`, ...(lacks === 'own header' ? {} : { 'x-vouch-csrf': '1' }) };
  }

  async function keyOf(role: Role, actions: ReadonlySet<Action>): Promise<Headers> {
    const headers = await sessionOf({ name: role, kind: 'member', role });
    const wish = { name: 'test', actions: [...actions], expiresInDays: 1 };
    const answer = await api.post('/api/v1/api-keys', wish, headers);
    if (answer.status !== 201) throw new Error(await answer.text());
    return { authorization: `Bearer ${((await answer.json()) as { key: string }).key}` };
  }

  function credentialsOf(who: Knocker): Promise<Headers> | Headers {
    if (who.kind === 'member') return sessionOf(who);
    if (who.kind === 'api-key') return keyOf(who.role, who.actions);
    return who.kind === 'lab-runner' ? { authorization: `Bearer ${LAB_TOKEN}` } : {};
  }

  /** @returns the code with which the guard refused, or null: it let the request in, whatever became of it then */
  async function knock(
    { method, url, body, title }: Route,
    who: Knocker,
    credentials: Headers,
  ): Promise<string | null> {
    const headers = {
      ...(who.kind === 'device' ? device.headers(method, url, body ?? '') : credentials),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    };
    const answer = await fetch(api.url + url, { method, headers, redirect: 'manual', ...(body && { body }) });
    if (answer.ok) {
      await answer.body?.cancel();
      return null;
    }
    const { code = '' } = (await answer.json().catch(() => ({}))) as { code?: string };
    if (answer.status >= 500) throw new Error(`${who.name} at ${title}: ${answer.status}`);
    if (REFUSALS[code] === undefined) return null;
    expect(answer.status, `${who.name} at ${title}`).toBe(REFUSALS[code]);
    return code;
  }

  const wholeKey = (role: Role): Knocker => ({
    name: `API key of ${role} with everything`,
    kind: 'api-key',
    role,
    actions: new Set(keyActionsOf({ role, actions: null })),
  });
  const knockers: Knocker[] = [
    { name: 'nobody', kind: 'nobody' },
    { name: 'device', kind: 'device' },
    { name: 'lab-runner', kind: 'lab-runner' },
    ...roles.map((role) => ({ name: role, kind: 'member' as const, role })),
    ...(['fresh proof', 'second factor', 'own header'] as const).map((lacks) => ({
      name: `msp-owner without ${lacks}`,
      kind: 'member' as const,
      role: 'msp-owner' as const,
      lacks,
    })),
    { name: 'operator without fresh proof', kind: 'member', role: 'operator', lacks: 'fresh proof' },
    ...roles.filter((role) => actionsOf({ role, actions: null }).includes('api-key:create')).map(wholeKey),
  ];

  it.each(knockers.map((who) => [who.name, who] as const))(
    '%s gets in exactly where the table of permissions says',
    async (_name, who) => {
      const credentials = await credentialsOf(who);
      const wrong: string[] = [];
      for (const route of routes) {
        const expected = refusalOf(route.access, route.method, who);
        const found = await knock(route, who, credentials);
        if (found !== expected) wrong.push(`${route.title}: ${found ?? 'let in'}, not ${expected ?? 'let in'}`);
      }
      expect(wrong).toEqual([]);
    },
  );

  it('an API key for one thing does that, and one for all else does not', async () => {
    const role = 'msp-owner';
    const all = keyActionsOf({ role, actions: null });
    const wrong: string[] = [];
    let tried = 0;
    for (const action of all) {
      const itsRoutes = routes.filter(({ access }) => typeof access === 'object' && access.may === action);
      for (const actions of [new Set([action]), new Set(all.filter((other) => other !== action))]) {
        const who: Knocker = { name: `API key for ${actions.size}`, kind: 'api-key', role, actions };
        const credentials = await credentialsOf(who);
        for (const route of itsRoutes) {
          const found = await knock(route, who, credentials);
          if ((found === null) !== actions.has(action)) wrong.push(`${route.title}: ${who.name}, ${action}: ${found}`);
          tried += 1;
        }
      }
    }
    expect(wrong).toEqual([]);
    expect(tried).toBeGreaterThan(100);
  });
});
