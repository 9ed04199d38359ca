import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Overview, Problem } from '@vouch/contracts';
import { registerPolicy } from '@vouch/approval';
import { idOf, shared } from '@vouch/platform';
import fc from 'fast-check';
import { artefact, ids, msp, otherMsp, RestFixture, tenants } from './rest-fixture.js';

interface Page<T = { id: string }> {
  items: T[];
  next: string | null;
}

let rest: RestFixture;
let technician: Record<string, string>;
let stranger: Record<string, string>;
beforeAll(async () => {
  rest = await RestFixture.start();
  technician = await rest.person(msp.technician);
  stranger = await rest.person(otherMsp.technician);
});
afterAll(() => rest.stop());

const read = async <T = Page>(route: string, headers = technician): Promise<T> => {
  const answer = await rest.api.get(`/api/v1${route}`, headers);
  expect(answer.status, `${route}: ${await answer.clone().text()}`).toBe(200);
  return (await answer.json()) as T;
};
const refused = async (route: string, headers = technician): Promise<Problem> => {
  const answer = await rest.api.get(`/api/v1${route}`, headers);
  expect(answer.headers.get('content-type')).toContain('application/problem+json');
  return (await answer.json()) as Problem;
};

const lists = [
  '/tenants',
  '/devices',
  '/patches',
  '/runs',
  '/verdicts',
  '/channels',
  '/approvals',
  '/outcomes',
  '/costs',
  '/shares',
  '/statements',
  '/enrolment-tokens',
];

/** What the live feed says to a member, until `last` is said. */
async function heard(headers: Record<string, string>, during: () => Promise<void>, last: string): Promise<string[]> {
  const answer = await rest.api.get('/api/v1/live', headers);
  const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
  await during();
  let text = '';
  while (!text.includes(last)) text += new TextDecoder().decode((await reader.read()).value);
  await reader.cancel();
  return [...text.matchAll(/"topic":"([^"]+)"/g)].flatMap(([, topic]) => topic ?? []);
}

describe('the live feed', () => {
  it('tells of one’s own tenants and patches and of shared things, and of nothing else', async () => {
    const news = async (): Promise<void> => {
      const [device, run] = [idOf('some device'), idOf('some run')];
      await rest.publish('fleet.device-enrolled', { tenantId: tenants.one.id, deviceId: device });
      await rest.publish('rollout.outcome-reported', {
        tenantId: tenants.foreign.id,
        deviceId: device,
        revisionId: ids.revision,
      });
      await rest.publish('approval.decided', { revisionId: ids.revision });
      await rest.publish('rollout.ring-changed', { revisionId: idOf('a revision that nobody needs') });
      await rest.publish('approval.channel-changed', { channelId: ids.channel });
      await rest.publish('identity.mail-added', { mailId: idOf('mail') });
      await rest.publish('billing.close-requested', { mspId: otherMsp.id, period: '2026-12' });
      await rest.publish('lab.run-queued', { runId: run });
    };
    const of = async (email: string): Promise<string[]> => heard(await rest.person(email), news, 'lab.run-queued');
    const own = ['fleet.device-enrolled', 'approval.decided', 'approval.channel-changed', 'lab.run-queued'];
    expect(await of(msp.technician)).toEqual(own);
    expect(await of(tenants.one.owner)).toEqual(own);
    expect(await of(tenants.two.owner)).toEqual(['approval.channel-changed', 'lab.run-queued']);
    expect(await of(otherMsp.technician)).toEqual(['rollout.outcome-reported', 'lab.run-queued']);
  });
});

describe('the overview', () => {
  it("shows nothing of what another MSP's policies decided, and of how its rollouts went", async () => {
    const patches = async (): Promise<unknown> => (await read<Overview>('/overview')).patches;
    const before = await patches();
    const theirs = idOf('policy of another MSP');
    await rest.api.database.platform.transaction(shared, async (tx) => {
      const name = 'theirs';
      const rules = { minimumCoverage: 1, acceptReducedFidelity: false, delayMinutes: 0, rings: 1, soakSeconds: 0 };
      await registerPolicy(tx, { id: theirs, mspId: otherMsp.id, name, rules }, new Date());
      const of = [theirs, ids.cohort, ids.revision];
      await tx.query(
        `insert into approval_decision (policy_id, cohort_id, revision_id, outcome, reason, decided_at)
         values ($1, $2, $3, 'refused', 'Their reason.', now() + interval '1 hour')`,
        of,
      );
      await tx.query(
        `insert into rollout_ring (policy_id, cohort_id, revision_id, ring, state, reason, changed_at)
         values ($1, $2, $3, 0, 'halted', 'Theirs broke.', now())`,
        of,
      );
    });
    expect(await patches()).toEqual(before);
  });
});

describe('lists', () => {
  it.each(lists)('%s shows what is the caller’s, and nothing of it to another MSP', async (route) => {
    const own = await read(route);
    expect(own.items.length).toBeGreaterThan(0);
    const theirs = JSON.stringify((await read(route, stranger)).items);
    expect(theirs).not.toContain(tenants.one.id);
    for (const secret of [rest.deviceId, ids.revision, ids.channel, ids.cost]) expect(theirs).not.toContain(secret);
  });

  it('show an owner the one tenant only', async () => {
    const owner = await rest.person(tenants.two.owner);
    expect((await read('/tenants', owner)).items.map(({ id }) => id)).toEqual([tenants.two.id]);
    for (const route of [
      '/devices',
      '/patches',
      '/verdicts',
      '/channels',
      '/approvals',
      '/outcomes',
      '/costs',
      '/shares',
    ])
      expect((await read(route, owner)).items, route).toEqual([]);
  });

  it.each([
    ['/devices?tennantId=x', 'tennantId'],
    ['/devices?tenantId=x', 'tenantId'],
    ['/devices?limit=0', 'limit'],
    ['/devices?limit=201', 'limit'],
    ['/devices?limit=1e2', 'limit'],
    ['/devices?limit=1&limit=2', 'limit'],
    ['/devices?name=%00', 'name'],
    ['/runs?state=lost', 'state'],
  ])('refuse %s and say why', async (route, reason) => {
    const problem = await refused(route);
    expect(problem).toMatchObject({ status: 400, code: 'request-invalid' });
    expect(problem.detail).toContain(reason);
  });

  it('are filtered', async () => {
    expect((await read(`/devices?tenantId=${tenants.one.id}&name=shop`)).items).toHaveLength(1);
    expect((await read(`/devices?tenantId=${tenants.two.id}`)).items).toEqual([]);
    expect((await read('/patches?patch=web&state=offered')).items).toHaveLength(1);
    expect((await read('/patches?state=vanished')).items).toEqual([]);
    expect((await read(`/approvals?channelId=${ids.channel}&state=active`)).items).toHaveLength(1);
  });

  it('take only cursors that they gave out themselves, with the same filters', async () => {
    await addTokens(3);
    const { next } = await read('/enrolment-tokens?limit=1');
    expect(next).toMatch(/\./);
    for (const route of [
      `/enrolment-tokens?limit=1&tenantId=${tenants.one.id}&cursor=${next}`,
      `/devices?cursor=${next}`,
      `/enrolment-tokens?cursor=${next?.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'))}`,
      `/enrolment-tokens?cursor=WyIyMDI2IiwieCJd.AAAA`,
    ])
      expect((await refused(route)).status, route).toBe(400);
  });

  it('give every item once and in order, whatever is inserted between two pages', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.boolean(), { maxLength: 6 }),
        async (limit, inserts) => {
          const before = (await read('/enrolment-tokens?limit=200')).items.map(({ id }) => id);
          const seen: string[] = [];
          let cursor: string | null = null;
          do {
            const page: Page = await read(
              `/enrolment-tokens?limit=${limit}${cursor === null ? '' : `&cursor=${cursor}`}`,
            );
            seen.push(...page.items.map(({ id }) => id));
            expect(page.items.length).toBeLessThanOrEqual(limit);
            cursor = page.next;
            if (inserts.pop()) await addTokens(2);
          } while (cursor !== null);
          expect(seen).toEqual(before);
        },
      ),
      { numRuns: 6 },
    );
  });
});

/** Tokens made at the same microsecond too, so that the id has to decide. */
async function addTokens(count: number): Promise<void> {
  await rest.api.database.platform.transaction(shared, (tx) =>
    tx.query(
      `insert into fleet_enrolment_token (tenant_id, token_sha256, ring, created_by, expires_at)
       select $1, gen_random_uuid()::text, 0, 'member:x', now() + interval '1 day' from generate_series(1, $2)`,
      [tenants.two.id, count],
    ),
  );
}

describe('single things', () => {
  const paths = (): string[] => [
    `/tenants/${tenants.one.id}`,
    `/devices/${rest.deviceId}`,
    `/patches/${ids.revision}`,
    `/runs/${ids.run}`,
    `/verdicts/${ids.verdict}`,
    `/statements/${ids.statement}`,
  ];

  it('are there, with their parts', async () => {
    for (const path of paths()) await read(path);
    expect(await read(`/devices/${rest.deviceId}`)).toMatchObject({ fingerprint: { kernel: '6.1.0' } });
    expect(await read(`/verdicts/${ids.verdict}`)).toMatchObject({ envelope: { signatures: [{ keyid: 'k' }] } });
    expect(await read(`/patches/${ids.revision}`)).toMatchObject({
      artefacts: [{ package: 'web' }, { package: 'web-doc' }],
    });
  });

  it('are the same 404 for another MSP as if they did not exist', async () => {
    for (const path of [...paths(), `/runs/${ids.run}/output`]) {
      const theirs = await refused(path, stranger);
      const nothing = await refused(path.replace(/[0-9a-f-]{36}/, '00000000-0000-4000-8000-000000000000'));
      expect({ ...theirs, correlationId: '' }).toEqual({ ...nothing, correlationId: '' });
      expect(theirs.status).toBe(404);
    }
  });

  it('are told apart from wrong methods and unknown paths', async () => {
    const answer = await rest.api.post(`/api/v1/devices`, {}, technician);
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    expect((await refused('/nothing-here')).status).toBe(404);
  });

  it('answer 304 to who has them already', async () => {
    const first = await rest.api.get(`/api/v1/devices/${rest.deviceId}`, technician);
    const etag = first.headers.get('etag') ?? '';
    const again = (tag: string): Promise<Response> =>
      rest.api.get(`/api/v1/devices/${rest.deviceId}`, { ...technician, 'if-none-match': tag });
    const second = await again(`"other", W/${etag}`);
    expect([second.status, await second.text(), second.headers.get('etag')]).toEqual([304, '', etag]);
    expect((await again('"other"')).status).toBe(200);
  });
});

describe('is this digest approved for this machine?', () => {
  const check = (sha256: string, deviceId: string, headers = technician) =>
    read<{ approved: boolean; reason: string }>(`/approvals/check?sha256=${sha256}&deviceId=${deviceId}`, headers);
  const change = (sql: string): Promise<unknown> =>
    rest.api.database.platform.transaction(shared, (tx) => tx.query(sql));

  it('yes, for the tested bytes', async () => {
    expect(await check(artefact.sha256, rest.deviceId)).toMatchObject({
      approved: true,
      approvalId: ids.approval,
      reason: expect.stringMatching(/^web 2 is approved for this machine until .* UTC\.$/) as string,
    });
  });

  it('no, for bytes of the same revision that were not tested (I1)', async () => {
    expect(await check(artefact.untested, rest.deviceId)).toMatchObject({
      approved: false,
      reason: 'web 2 is approved, but these bytes of it were not tested.',
    });
  });

  it('no, for bytes that nobody has offered', async () => {
    expect(await check('0'.repeat(64), rest.deviceId)).toMatchObject({ approved: false, revisionId: null });
  });

  it.each([
    [`state = 'held', reason = 'A machine did not take it well.'`, 'A machine did not take it well.'],
    [`expires_at = now() - interval '1 minute'`, 'ended at'],
    [`not_before = now() + interval '1 hour'`, 'from'],
  ])('no, while the approval has %s', async (set, reason) => {
    const [before] = (await rest.api.database.platform.read(shared, 'select * from approval_approval')) as [
      { not_before: Date; expires_at: Date },
    ];
    await change(`update approval_approval set ${set}`);
    const answer = await check(artefact.sha256, rest.deviceId);
    await rest.api.database.platform.transaction(shared, (tx) =>
      tx.query(`update approval_approval set state = 'active', reason = '', not_before = $1, expires_at = $2`, [
        before.not_before,
        before.expires_at,
      ]),
    );
    expect(answer).toMatchObject({ approved: false, reason: expect.stringContaining(reason) as string });
  });

  it('nothing, about a machine of another MSP', async () => {
    const problem = await refused(`/approvals/check?sha256=${artefact.sha256}&deviceId=${rest.deviceId}`, stranger);
    expect(problem.status).toBe(404);
  });
});
