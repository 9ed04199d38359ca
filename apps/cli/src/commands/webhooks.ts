import type { components } from '@vouch/client';
import type { Command } from 'commander';
import { minute, sheet } from '../output.js';
import { Session } from '../session.js';

type Endpoint = components['schemas']['WebhookEndpoint'];
type Delivery = components['schemas']['WebhookDelivery'];

export function addWebhooks(program: Command): void {
  const webhooks = program.command('webhooks').description('events that are sent to you');
  webhooks
    .command('list', { isDefault: true })
    .description('where events are sent')
    .action(async (_options: unknown, command: Command) => {
      const session = await Session.open(command);
      const columns = {
        url: (e: Endpoint) => e.url,
        events: (e: Endpoint) => e.eventTypes.join(','),
        state: (e: Endpoint) => e.state,
        why: (e: Endpoint) => e.reason || (e.failingSince ? `fails since ${minute(e.failingSince) ?? ''}` : ''),
        id: (e: Endpoint) => e.id,
      };
      session.list(await session.all('/api/v1/webhook-endpoints'), columns, 'Events are sent nowhere.');
    });
  webhooks
    .command('add')
    .description('send events to an address; the signing secret is shown only now')
    .argument('<url>')
    .requiredOption('-e, --events <types...>', 'event types, e.g. lab.verdict-issued')
    .option('--description <text>')
    .action(
      async (url: string, { events, description }: { events: string[]; description?: string }, command: Command) => {
        const session = await Session.open(command);
        const body = { url, eventTypes: events as Endpoint['eventTypes'], ...(description ? { description } : {}) };
        const { data } = await session.api.POST('/api/v1/webhook-endpoints', { body });
        if (data) session.show(data, sheet({ id: data.id, secret: data.secret }));
      },
    );
  for (const state of ['enabled', 'disabled'] as const)
    webhooks
      .command(state === 'enabled' ? 'enable' : 'disable')
      .description(state === 'enabled' ? 'send there again' : 'send nothing there')
      .argument('<id>')
      .action(async (id: string, _options: unknown, command: Command) => {
        const session = await Session.open(command);
        const params = { path: { id } };
        const { response } = await session.api.GET('/api/v1/webhook-endpoints/{id}', { params });
        const headers = { 'if-match': response.headers.get('etag') ?? '' };
        const { data } = await session.api.PATCH('/api/v1/webhook-endpoints/{id}', {
          params,
          headers,
          body: { state },
        });
        session.show(data, `The endpoint is ${state}.`);
      });
  webhooks
    .command('rotate')
    .description('a new signing secret; both are good for a day')
    .argument('<id>')
    .action(async (id: string, _options: unknown, command: Command) => {
      const session = await Session.open(command);
      const { data } = await session.api.POST('/api/v1/webhook-endpoints/{id}/secret', { params: { path: { id } } });
      if (data) session.show(data, sheet({ secret: data.secret, 'old one until': minute(data.oldSecretUntil) }));
    });
  webhooks
    .command('remove')
    .description('send nothing there any more, and forget the log')
    .argument('<id>')
    .action(async (id: string, _options: unknown, command: Command) => {
      const session = await Session.open(command);
      await session.api.DELETE('/api/v1/webhook-endpoints/{id}', { params: { path: { id } } });
      session.show({ id, state: 'removed' }, 'The endpoint is removed.');
    });
  webhooks
    .command('deliveries')
    .description('what was sent, and how it was answered')
    .argument('<id>')
    .action(async (id: string, _options: unknown, command: Command) => {
      const session = await Session.open(command);
      const columns = {
        time: (d: Delivery) => minute(d.createdAt),
        event: (d: Delivery) => d.type,
        state: (d: Delivery) => d.state,
        attempts: (d: Delivery) => d.attempts,
        answer: (d: Delivery) => d.error || d.status,
        id: (d: Delivery) => d.id,
      };
      session.list(
        await session.all('/api/v1/webhook-endpoints/{id}/deliveries', {}, { id }),
        columns,
        'Nothing was sent yet.',
      );
    });
  webhooks
    .command('replay')
    .description('send again: one message, or all since a time')
    .argument('<id>', 'of the endpoint')
    .option('-d, --delivery <id>', 'this message only')
    .option('-s, --since <time>', 'all since this time, e.g. 2026-01-06T00:00:00Z')
    .action(async (id: string, options: { delivery?: string; since?: string }, command: Command) => {
      const session = await Session.open(command);
      const { data } = options.delivery
        ? await session.api.POST('/api/v1/webhook-endpoints/{id}/deliveries/{deliveryId}/replay', {
            params: { path: { id, deliveryId: options.delivery } },
          })
        : await session.api.POST('/api/v1/webhook-endpoints/{id}/replay', {
            params: { path: { id } },
            body: { since: options.since ?? '' },
          });
      if (data) session.show(data, `${data.deliveries} messages are sent again.`);
    });
}
