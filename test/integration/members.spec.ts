import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { SendMailStage, SmtpTransport } from '@vouch/identity';
import { idOf, SealedBox, shared } from '@vouch/platform';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Invitation, Member } from '@vouch/contracts';
import { organisation, TestApi } from './api.js';
import { mailsTo, Person, problemCode } from './people.js';

const [north, south] = organisation;
const [one, two] = north?.tenants ?? [];
if (!north || !south || !one || !two) throw new Error('The organisation of the tests is not whole.');
const PHRASE = 'seven lamps under dark water';

let api: TestApi;
beforeAll(async () => {
  api = await TestApi.start();
});
afterAll(() => api.stop());

/** Somebody who has just proved every factor. */
async function as(email: string): Promise<Person> {
  const person = new Person(api, email);
  person.cookie = await api.signIn(email);
  return person;
}
const items = async <T>(response: Response): Promise<T[]> => ((await response.json()) as { items: T[] }).items;
const secretIn = (text: string | undefined): string => /invitation\/(\S+)/.exec(text ?? '')?.[1] ?? '';

describe('members', () => {
  it('are seen by whom they belong to, and by nobody else', async () => {
    const emails = async (who: string): Promise<string[]> =>
      (await items<Member>(await (await as(who)).send('GET', '/api/v1/members'))).map(({ email }) => email).sort();
    expect(await emails(one.owner)).toEqual([one.owner]);
    const ofNorth = [north.boss, north.technician, north.reader, one.owner, two.owner].sort();
    expect(await emails(north.boss)).toEqual(ofNorth);
    expect(await emails(north.technician)).toEqual(ofNorth);
    expect(await emails(south.boss)).not.toContain(north.boss);
  });

  it('are managed by owners alone, and only their own: others get the answer for nobody', async () => {
    const change = (who: Person, email: string, role: string): Promise<Response> =>
      who.send('PATCH', `/api/v1/members/${idOf(email)}`, { role });
    expect((await change(await as(north.technician), north.reader, 'msp-owner')).status).toBe(403);
    expect((await change(await as(north.reader), north.reader, 'msp-owner')).status).toBe(403);
    for (const stranger of [await as(south.boss), await as(two.owner)]) {
      expect((await change(stranger, one.owner, 'tenant-viewer')).status).toBe(404);
      expect((await stranger.send('DELETE', `/api/v1/members/${idOf(north.reader)}`)).status).toBe(404);
    }
    const boss = await as(north.boss);
    for (const role of ['operator', 'tenant-owner', 'god'])
      expect([400, 409], role).toContain((await change(boss, north.reader, role)).status);
    const body = { role: 'technician', tenantId: null, mspId: south.id };
    expect((await boss.send('PATCH', `/api/v1/members/${idOf(north.reader)}`, body)).status).toBe(400);
  });

  it('keep one owner, and lose sessions and keys when they change or go', async () => {
    const boss = await as(north.boss);
    const self = `/api/v1/members/${idOf(north.boss)}`;
    expect(await problemCode(await boss.send('DELETE', self))).toEqual([409, 'member-conflict']);
    expect(await problemCode(await boss.send('PATCH', self, { role: 'technician' }))).toEqual([409, 'member-conflict']);

    const reader = await as(north.reader);
    const changed = await boss.send('PATCH', `/api/v1/members/${idOf(north.reader)}`, { role: 'technician' });
    expect(await changed.json()).toMatchObject({ role: 'technician', email: north.reader });
    expect((await reader.send('GET', '/api/v1/session')).status).toBe(401);

    const technician = await as(north.reader);
    const made = await technician.send('POST', '/api/v1/api-keys', {
      name: 'k',
      actions: ['device:read'],
      expiresInDays: 1,
    });
    const { key } = (await made.json()) as { key: string };
    const byKey = (): Promise<Response> => api.get('/api/v1/devices', { authorization: `Bearer ${key}` });
    expect((await byKey()).status).toBe(200);
    expect((await boss.send('DELETE', `/api/v1/members/${idOf(north.reader)}`)).status).toBe(204);
    expect((await byKey()).status).toBe(401);
    const [revoked] = await api.database.platform.transaction(shared, (tx) =>
      tx.query<{ revoked_by: string }>('select revoked_by from identity_api_key where maker = $1', [
        idOf(north.reader),
      ]),
    );
    expect(revoked).toEqual({ revoked_by: `member:${idOf(north.boss)}` });
    expect((await technician.send('GET', '/api/v1/session')).status).toBe(401);
    expect((await technician.signIn()).status).toBe(401);
    const trail = await api.database.platform.transaction(shared, (tx) =>
      tx.query<{ detail: unknown; actor: string }>(
        `select actor, detail from platform_audit where action = 'member.change-role'`,
      ),
    );
    expect(trail).toEqual([
      {
        actor: `member:${idOf(north.boss)}`,
        detail: { before: { role: 'msp-reader' }, after: { role: 'technician' } },
      },
    ]);
  });
});

describe('an invitation', () => {
  it('lets one person in, once, as what it says', async () => {
    const boss = await as(north.boss);
    const body = { email: 'New@People.example', role: 'tenant-viewer', tenantId: two.id };
    const made = (await (await boss.send('POST', '/api/v1/invitations', body)).json()) as Invitation;
    expect(made).toMatchObject({ email: 'new@people.example', state: 'open', tenantId: two.id });
    const [mail] = await mailsTo(api, 'New@People.example');
    const secret = secretIn(mail?.text);
    const guest = new Person(api, 'new@people.example');
    expect(await (await guest.send('POST', '/api/v1/invitations/look', { secret })).json()).toEqual({
      email: 'new@people.example',
      organisation: two.name,
      role: 'tenant-viewer',
    });
    const join = (more: object = {}): Promise<Response> =>
      guest.send('POST', '/api/v1/invitations/accept', { secret, name: 'Guest', password: PHRASE, ...more });
    expect(await problemCode(await join({ password: 'password1234' }))).toEqual([422, 'password-refused']);
    expect((await join({ role: 'tenant-owner' })).status).toBe(400);
    expect((await join()).status).toBe(204);
    expect(await (await guest.send('GET', '/api/v1/session')).json()).toMatchObject({
      member: { role: 'tenant-viewer' },
      secondFactor: 'done',
    });
    expect((await guest.send('GET', '/api/v1/overview')).status).toBe(200);
    expect(await problemCode(await join())).toEqual([403, 'link-refused']);
  });

  it('is to one’s own organisation and its customers, in roles that they have', async () => {
    const invite = async (who: string, body: object): Promise<number> =>
      (await (await as(who)).send('POST', '/api/v1/invitations', { email: 'x@people.example', ...body })).status;
    expect(await invite(north.boss, { role: 'technician', tenantId: one.id })).toBe(409);
    expect(await invite(north.boss, { role: 'tenant-owner' })).toBe(409);
    expect(await invite(north.boss, { role: 'tenant-owner', tenantId: south.tenants[0]?.id })).toBe(404);
    expect(await invite(one.owner, { role: 'tenant-viewer', tenantId: two.id })).toBe(404);
    expect(await invite(one.owner, { role: 'technician' })).toBe(409);
    expect(await invite(north.technician, { role: 'technician' })).toBe(403);
    expect(await invite(one.owner, { role: 'tenant-viewer' })).toBe(201);
  });

  it('that is taken back, or is for an address that has an account, lets nobody in', async () => {
    const boss = await as(north.boss);
    const invite = async (email: string): Promise<[string, string]> => {
      const answer = await boss.send('POST', '/api/v1/invitations', { email, role: 'technician' });
      const { id } = (await answer.json()) as Invitation;
      return [id, secretIn((await mailsTo(api, email)).at(-1)?.text)];
    };
    const accept = async (secret: string): Promise<[number, string]> =>
      problemCode(
        await new Person(api, '').send('POST', '/api/v1/invitations/accept', { secret, name: 'X', password: PHRASE }),
      );
    const [id, secret] = await invite('late@people.example');
    expect((await (await as(south.boss)).send('DELETE', `/api/v1/invitations/${id}`)).status).toBe(404);
    expect((await boss.send('DELETE', `/api/v1/invitations/${id}`)).status).toBe(204);
    expect(await accept(secret)).toEqual([403, 'link-refused']);
    const [, taken] = await invite(south.technician);
    expect(await accept(taken)).toEqual([409, 'member-conflict']);
  });

  it('brings somebody back who was removed, as somebody new', async () => {
    const boss = await as(south.boss);
    const email = south.reader;
    expect((await boss.send('DELETE', `/api/v1/members/${idOf(email)}`)).status).toBe(204);
    expect((await boss.send('POST', '/api/v1/invitations', { email, role: 'msp-reader' })).status).toBe(201);
    const secret = secretIn((await mailsTo(api, email)).at(-1)?.text);
    const back = new Person(api, email);
    const joined = await back.send('POST', '/api/v1/invitations/accept', { secret, name: 'Back', password: PHRASE });
    expect(joined.status).toBe(204);
    const { member } = (await (await back.send('GET', '/api/v1/session')).json()) as { member: Member };
    expect(member).toMatchObject({ email, name: 'Back', role: 'msp-reader' });
    expect(member.id).not.toBe(idOf(email));
    expect((await new Person(api, email).signIn()).status).toBe(401);
    expect((await new Person(api, email).signIn(PHRASE)).status).toBe(200);
  });
});

describe('mails', () => {
  it('reach a real mail server once, are tried again when it is away, and their text is forgotten', async () => {
    const received: string[] = [];
    const server = new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS'],
      onData: (stream, _session, done) => {
        let text = '';
        stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
        stream.on('end', () => {
          received.push(text);
          done();
        });
      },
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const { port } = server.server.address() as AddressInfo;
    const box = new SealedBox(api.secretsKey);
    let now = new Date();
    const stage = (url: string): SendMailStage =>
      new SendMailStage(api.database.platform, box, new SmtpTransport(url, 'Vouch <vouch@product.example>'), () => now);
    await (
      await as(north.boss)
    ).send('POST', '/api/v1/invitations', { email: 'mail@people.example', role: 'technician' });
    const [id] = (
      await api.database.platform.transaction(shared, (tx) =>
        tx.query<{ id: string }>(`select id from platform_mail where recipient = 'mail@people.example'`),
      )
    ).map((row) => row.id);
    now = new Date(now.getTime() + 1000);
    await stage('smtp://127.0.0.1:9').process(id ?? '');
    expect(received).toEqual([]);
    now = new Date(now.getTime() + 3_600_000);
    expect(await stage(`smtp://127.0.0.1:${port}`).pending()).toContain(id);
    await stage(`smtp://127.0.0.1:${port}`).process(id ?? '');
    await stage(`smtp://127.0.0.1:${port}`).process(id ?? '');
    expect(received).toHaveLength(1);
    expect(received[0]).toContain('To: mail@people.example');
    expect(received[0]).toMatch(/#\/invitation\/(3D)?vi_|invitation/);
    const [row] = await api.database.platform.transaction(shared, (tx) =>
      tx.query('select state, sealed from platform_mail where id = $1', [id]),
    );
    expect(row).toEqual({ state: 'sent', sealed: null });
    await new Promise<void>((resolve) => void server.close(() => resolve()));
  });
});
