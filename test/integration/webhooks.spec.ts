import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type {
  CreatedWebhookEndpoint,
  Problem,
  WebhookDelivery,
  WebhookDeliveryDetail,
  WebhookEndpoint,
} from '@vouch/contracts';
import { newId, SafeFetch, SealedBox, shared } from '@vouch/platform';
import { DeliverWebhookStage, FanOutStage } from '@vouch/webhooks';
import { ids, msp, otherMsp, RestFixture, tenants } from './rest-fixture.js';

const SECRETS_KEY = Buffer.alloc(32, 9).toString('base64');
const HOUR = 3_600_000;

interface Received {
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** Somebody else's server. */
class Receiver {
  readonly received: Received[] = [];
  status = 200;
  private readonly server = http.createServer((request, response) => {
    let body = '';
    request.on('data', (part) => (body += String(part)));
    request.on('end', () => {
      this.received.push({ path: request.url ?? '', headers: request.headers as Record<string, string>, body });
      response.writeHead(this.status).end(`answer ${this.status}\u0000`);
    });
  });
  url = '';

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

describe('webhooks', () => {
  let rest: RestFixture;
  const receiver = new Receiver();
  let now = new Date();
  const fetcher = new SafeFetch({ allowPrivateNetwork: true });
  const worker = (): { fanOut: FanOutStage; deliver: DeliverWebhookStage } => ({
    fanOut: new FanOutStage(rest.api.database.platform),
    deliver: new DeliverWebhookStage(
      rest.api.database.platform,
      new SealedBox(SECRETS_KEY),
      fetcher,
      () => now,
      () => 0,
    ),
  });
  let technician: Record<string, string>;

  beforeAll(async () => {
    await receiver.start();
    rest = await RestFixture.start({ VOUCH_ALLOW_PRIVATE_NETWORK: true, VOUCH_SECRETS_KEY: SECRETS_KEY });
    technician = await rest.person(msp.technician);
    await worker().fanOut.process();
  });
  afterAll(async () => {
    receiver.stop();
    await fetcher.close();
    await rest.stop();
  });
  beforeEach(async () => {
    await rest.api.database.platform.transaction(shared, (tx) => tx.query('delete from webhook_endpoint'));
    receiver.received.length = 0;
    receiver.status = 200;
    now = new Date(Date.now() + 60_000);
  });

  const send = (method: string, route: string, body?: unknown, headers = technician): Promise<Response> =>
    fetch(`${rest.api.url}/api/v1/webhook-endpoints${route}`, {
      method,
      headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const add = async (eventTypes: string[], headers = technician, path = '/'): Promise<CreatedWebhookEndpoint> => {
    const answer = await send('POST', '', { url: receiver.url + path, eventTypes }, headers);
    expect(answer.status).toBe(201);
    return (await answer.json()) as CreatedWebhookEndpoint;
  };
  /** What the worker does in one round: pending work, each key once. */
  const work = async (): Promise<void> => {
    const { fanOut, deliver } = worker();
    if ((await fanOut.pending()).length > 0) await fanOut.process();
    for (const key of await deliver.pending()) await deliver.process(key);
  };
  const deliveries = async (id: string): Promise<WebhookDelivery[]> =>
    ((await (await send('GET', `/${id}/deliveries`)).json()) as { items: WebhookDelivery[] }).items;
  const outcome = (tenantId = tenants.one.id): Promise<void> =>
    rest.publish('rollout.outcome-reported', { tenantId, deviceId: rest.deviceId, revisionId: ids.revision });

  it('arrive once, signed so that the specification’s own library takes them', async () => {
    const { secret, id } = await add(['rollout.outcome-reported']);
    await outcome();
    await work();
    await work();
    expect(receiver.received).toHaveLength(1);
    const [message] = receiver.received as [Received];
    expect(new Webhook(secret).verify(message.body, message.headers)).toMatchObject({
      type: 'rollout.outcome-reported',
      data: { tenantId: tenants.one.id, deviceId: rest.deviceId, revisionId: ids.revision },
    });
    expect(await deliveries(id)).toMatchObject([
      { state: 'delivered', attempts: 1, status: 200, answer: 'answer 200\ufffd' },
    ]);
  });

  it('go to whom they concern, and to nobody else', async () => {
    const all = ['rollout.outcome-reported', 'lab.verdict-issued', 'fleet.device-enrolled'];
    await add(all, technician, '/north');
    await add(['lab.verdict-issued'], technician, '/north-verdicts');
    await add(all, await rest.person(tenants.one.owner), '/one');
    await add(all, await rest.person(tenants.two.owner), '/two');
    await add(all, await rest.person(otherMsp.technician), '/south');
    await outcome();
    await rest.publish('fleet.device-enrolled', { tenantId: tenants.foreign.id, deviceId: newId() });
    await rest.publish('lab.verdict-issued', { verdictId: ids.verdict, revisionId: ids.revision, runId: ids.run });
    await rest.publish('lab.verdict-issued', { verdictId: newId(), revisionId: newId(), runId: newId() });
    await rest.publish('lab.run-queued', { runId: ids.run });
    await work();
    const got = receiver.received
      .map(({ path, body }) => `${path} ${(JSON.parse(body) as { type: string }).type}`)
      .sort();
    expect(got).toEqual([
      '/north lab.verdict-issued',
      '/north rollout.outcome-reported',
      '/north-verdicts lab.verdict-issued',
      '/one lab.verdict-issued',
      '/one rollout.outcome-reported',
      '/south fleet.device-enrolled',
    ]);
  });

  it('are tried again with growing pauses until they are taken, and then never again', async () => {
    const { id } = await add(['rollout.outcome-reported']);
    await outcome();
    receiver.status = 500;
    const pauses: number[] = [];
    for (let attempt = 0; attempt < 4; attempt += 1) {
      await work();
      const [delivery] = await deliveries(id);
      const next = new Date(delivery?.nextAttemptAt ?? '');
      pauses.push(next.getTime() - now.getTime());
      await work();
      now = next;
    }
    expect(receiver.received).toHaveLength(4);
    expect(pauses).toEqual([...pauses].sort((a, b) => a - b));
    receiver.status = 204;
    await work();
    now = new Date(now.getTime() + 100 * HOUR);
    await work();
    expect(receiver.received).toHaveLength(5);
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    const [delivery] = await deliveries(id);
    const detail = (await (
      await send('GET', `/${id}/deliveries/${delivery?.id ?? ''}`)
    ).json()) as WebhookDeliveryDetail;
    expect(detail.log.map(({ attempt, status }) => [attempt, status])).toEqual([
      [1, 500],
      [2, 500],
      [3, 500],
      [4, 500],
      [5, 204],
    ]);
  });

  it('are sent by one of many workers that come at once', async () => {
    await add(['rollout.outcome-reported']);
    await outcome();
    await Promise.all(Array.from({ length: 5 }, () => worker().fanOut.process()));
    const keys = await worker().deliver.pending();
    await Promise.all(Array.from({ length: 5 }, () => keys.map((key) => worker().deliver.process(key))).flat());
    expect(receiver.received).toHaveLength(1);
  });

  it('survive a worker that is killed between sending and noting: sent again under the same id, after its claim (I4)', async () => {
    await add(['rollout.outcome-reported']);
    await outcome();
    await worker().fanOut.process();
    const [key = ''] = await worker().deliver.pending();
    const killed = worker().deliver as unknown as { note: () => Promise<never>; process(key: string): Promise<void> };
    killed.note = () => Promise.reject(new Error('killed'));
    await expect(killed.process(key)).rejects.toThrow('killed');
    await work();
    expect(receiver.received).toHaveLength(1);
    now = new Date(now.getTime() + 31_000);
    await work();
    await work();
    expect(receiver.received.map(({ headers }) => headers['webhook-id'])).toEqual(
      Array(2).fill(receiver.received[0]?.headers['webhook-id']),
    );
  });

  it('end after three days without an answer, and say why; enabled again they go on', async () => {
    const { id } = await add(['rollout.outcome-reported']);
    receiver.status = 503;
    const began = now;
    for (let round = 0; round < 12; round += 1) {
      await outcome();
      await work();
      now = new Date(now.getTime() + 7 * HOUR);
    }
    const read = async (): Promise<WebhookEndpoint> => (await (await send('GET', `/${id}`)).json()) as WebhookEndpoint;
    const endpoint = await read();
    expect(endpoint).toMatchObject({
      state: 'disabled',
      reason: `No message was taken since ${began.toISOString()}. The last problem: It answered 503.`,
    });
    const before = receiver.received.length;
    await outcome();
    await work();
    expect(receiver.received).toHaveLength(before);
    receiver.status = 200;
    const enabled = await send(
      'PATCH',
      `/${id}`,
      { state: 'enabled' },
      { ...technician, 'if-match': `"v${endpoint.version}"` },
    );
    expect(await enabled.json()).toMatchObject({ state: 'enabled', reason: '', failingSince: null });
    now = new Date(now.getTime() + 30 * HOUR);
    await work();
    expect(receiver.received.length).toBeGreaterThan(before);
  });

  it('are replayed, one or all since a time', async () => {
    const { id } = await add(['rollout.outcome-reported']);
    await outcome();
    await outcome();
    await work();
    const [delivery] = await deliveries(id);
    const one = await send('POST', `/${id}/deliveries/${delivery?.id ?? ''}/replay`);
    expect([one.status, await one.json()]).toEqual([202, { deliveries: 1 }]);
    now = new Date(now.getTime() + HOUR);
    await work();
    expect(receiver.received).toHaveLength(3);
    const all = await send('POST', `/${id}/replay`, { since: '2026-01-01T00:00:00Z' });
    expect(await all.json()).toEqual({ deliveries: 2 });
    now = new Date(now.getTime() + HOUR);
    await work();
    expect(receiver.received).toHaveLength(5);
    const none = await send('POST', `/${id}/replay`, { since: '2099-01-01T00:00:00Z' });
    expect(await none.json()).toEqual({ deliveries: 0 });
  });

  it('carry both signatures for a day after the secret was changed', async () => {
    const { id, secret: old } = await add(['rollout.outcome-reported']);
    const rotated = (await (await send('POST', `/${id}/secret`)).json()) as CreatedWebhookEndpoint;
    expect(rotated.secret).not.toBe(old);
    await outcome();
    await work();
    const [first] = receiver.received as [Received];
    for (const secret of [old, rotated.secret]) new Webhook(secret).verify(first.body, first.headers);
    await outcome();
    now = new Date(now.getTime() + 25 * HOUR);
    await work();
    expect(receiver.received[1]?.headers['webhook-signature']?.split(' ')).toHaveLength(1);
  });

  it('keep their secrets sealed', async () => {
    const { secret } = await add(['rollout.outcome-reported']);
    const rows = JSON.stringify(await rest.api.database.platform.read(shared, 'select * from webhook_endpoint'));
    expect(rows).not.toContain(secret.slice(6, 30));
    expect(await (await send('GET', '')).text()).not.toContain(secret.slice(6, 30));
  });

  it('are changed only by who has read the newest version', async () => {
    const { id } = await add(['rollout.outcome-reported']);
    const change = (ifMatch?: string): Promise<Response> =>
      send(
        'PATCH',
        `/${id}`,
        { description: 'x' },
        { ...technician, ...(ifMatch === undefined ? {} : { 'if-match': ifMatch }) },
      );
    const code = async (answer: Promise<Response>): Promise<[number, string]> => {
      const { status, code: name } = (await (await answer).json()) as Problem;
      return [status, name];
    };
    expect(await code(change())).toEqual([428, 'condition-needed']);
    expect(await code(change('"v7"'))).toEqual([412, 'changed-meanwhile']);
    const tag = (await send('GET', `/${id}`)).headers.get('etag') ?? '';
    const changed = await change(tag);
    expect([changed.status, changed.headers.get('etag')]).toEqual([200, '"v2"']);
    expect(await code(change(tag))).toEqual([412, 'changed-meanwhile']);
  });

  it('belong to who made them', async () => {
    const { id } = await add(['rollout.outcome-reported']);
    for (const who of [otherMsp.technician, tenants.one.owner]) {
      const headers = await rest.person(who);
      for (const [method, route, body] of [
        ['GET', `/${id}`],
        ['GET', `/${id}/deliveries`],
        ['DELETE', `/${id}`],
        ['POST', `/${id}/secret`],
        ['POST', `/${id}/replay`, { since: '2026-01-01T00:00:00Z' }],
        ['PATCH', `/${id}`, { description: 'mine' }],
      ] as const)
        expect(
          (await send(method, route, body, { ...headers, 'if-match': '"v1"' })).status,
          `${who} ${method} ${route}`,
        ).toBe(404);
    }
    expect(await rest.api.database.app.read(shared, 'select 1 from webhook_endpoint')).toEqual([]);
  });
});

describe('webhooks without private networks', () => {
  let rest: RestFixture;
  beforeAll(async () => {
    rest = await RestFixture.start();
  });
  afterAll(() => rest.stop());

  it.each([
    'http://example.com/',
    'https://127.0.0.1/',
    'https://[::1]:8080/',
    'https://169.254.169.254/latest',
    'https://a:b@example.com/',
  ])('are not sent to %s', async (url) => {
    const body = { url, eventTypes: ['lab.verdict-issued'] };
    const answer = await rest.api.post('/api/v1/webhook-endpoints', body, await rest.person(msp.technician));
    expect([answer.status, ((await answer.json()) as Problem).code]).toEqual([422, 'address-refused']);
  });

  it('are not sent to a name that leads home either', async () => {
    const headers = await rest.person(msp.technician);
    const body = { url: 'https://localhost:9/', eventTypes: ['rollout.outcome-reported'] };
    const { id } = (await (await rest.api.post('/api/v1/webhook-endpoints', body, headers)).json()) as { id: string };
    await rest.publish('rollout.outcome-reported', {
      tenantId: tenants.one.id,
      deviceId: newId(),
      revisionId: ids.revision,
    });
    const { platform } = rest.api.database;
    await new FanOutStage(platform).process();
    const box = new SealedBox(rest.secretsKey);
    const stage = new DeliverWebhookStage(
      platform,
      box,
      new SafeFetch({ allowPrivateNetwork: false }),
      () => new Date(Date.now() + 1000),
    );
    for (const key of await stage.pending()) await stage.process(key);
    const list = await rest.api.get(`/api/v1/webhook-endpoints/${id}/deliveries`, headers);
    expect(((await list.json()) as { items: WebhookDelivery[] }).items).toMatchObject([
      {
        state: 'waiting',
        status: null,
        error: 'localhost is not called: its address is not one of the public Internet.',
      },
    ]);
  });
});
