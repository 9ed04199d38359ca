import {
  Body,
  Controller,
  Delete,
  Get,
  Headers,
  HttpCode,
  Inject,
  Param,
  Patch,
  Post,
  Query,
  Res,
} from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import {
  CreatedWebhookEndpoint,
  NewWebhookEndpoint,
  Replayed,
  ReplaySince,
  WebhookDeliveryDetail,
  WebhookDeliveryPage,
  WebhookDeliveryQuery,
  WebhookEndpoint,
  WebhookEndpointChange,
  WebhookEndpointPage,
  WebhookEndpointQuery,
  type WebhookDelivery,
} from '@vouch/contracts';
import { actFor, ownerOf, scopeOf, type CallerContext } from '@vouch/identity';
import type { Tx } from '@vouch/platform';
import { z } from 'zod';
import { NotFound } from '../access/access.errors.js';
import { Access, Caller } from '../access/access.js';
import { versionOf, versionTag } from '../http/entity-tag.js';
import type { Page } from '../listing/lists.js';
import { Operation } from '../openapi/operation.js';
import { Services } from '../services.js';
import { deliveryListing, endpointListing } from './webhooks.listings.js';

const Id = z.uuid();
const WHAT = 'webhook endpoint';

@ApiTags('webhooks')
@Controller('api/v1/webhook-endpoints')
export class WebhooksController {
  constructor(@Inject(Services) private readonly services: Services) {}

  @Get()
  @Access({ may: 'webhook:read' })
  @Operation({
    id: 'listWebhookEndpoints',
    summary: 'Where events of your MSP or tenant are sent, newest first',
    answer: { schema: WebhookEndpointPage },
  })
  list(
    @Query({ schema: WebhookEndpointQuery }) query: z.output<typeof WebhookEndpointQuery>,
    @Caller() caller: CallerContext,
  ): Promise<Page<WebhookEndpoint>> {
    return this.services.rest.lists.page(endpointListing, scopeOf(caller), query, asOwner(caller));
  }

  @Post()
  @Access({ may: 'webhook:manage' })
  @Operation({
    id: 'createWebhookEndpoint',
    summary: 'Send events to an address; the signing secret is shown only here',
    description:
      'Messages are signed by the Standard Webhooks specification and repeated until a 2xx answer, for about three days.',
    answer: { schema: CreatedWebhookEndpoint },
  })
  async create(
    @Body({ schema: NewWebhookEndpoint }) body: NewWebhookEndpoint,
    @Caller() caller: CallerContext,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<CreatedWebhookEndpoint> {
    const { id, secret } = await this.services.rest.webhooks.create(caller, body);
    return { ...(await this.endpoint(id, caller, reply)), secret };
  }

  @Get(':id')
  @Access({ may: 'webhook:read' })
  @Operation({ id: 'getWebhookEndpoint', summary: 'One webhook endpoint', answer: { schema: WebhookEndpoint } })
  read(
    @Param('id', { schema: Id }) id: string,
    @Caller() caller: CallerContext,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<WebhookEndpoint> {
    return this.endpoint(id, caller, reply);
  }

  @Patch(':id')
  @Access({ may: 'webhook:manage' })
  @Operation({
    id: 'changeWebhookEndpoint',
    summary: 'Change an endpoint, disable it, or enable it again',
    conditional: true,
    answer: { schema: WebhookEndpoint },
  })
  async change(
    @Param('id', { schema: Id }) id: string,
    @Body({ schema: WebhookEndpointChange }) body: WebhookEndpointChange,
    @Headers('if-match') ifMatch: string | undefined,
    @Caller() caller: CallerContext,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<WebhookEndpoint> {
    await this.endpoint(id, caller);
    if (!(await this.services.rest.webhooks.change(caller, id, versionOf(ifMatch, WHAT), body)))
      throw new NotFound(WHAT);
    return this.endpoint(id, caller, reply);
  }

  @Delete(':id')
  @HttpCode(204)
  @Access({ may: 'webhook:manage' })
  @Operation({ id: 'removeWebhookEndpoint', summary: 'Remove an endpoint with its log' })
  async remove(@Param('id', { schema: Id }) id: string, @Caller() caller: CallerContext): Promise<void> {
    if (!(await this.services.rest.webhooks.remove(caller, id))) throw new NotFound(WHAT);
  }

  @Post(':id/secret')
  @HttpCode(200)
  @Access({ may: 'webhook:manage' })
  @Operation({
    id: 'rotateWebhookSecret',
    summary: 'A new signing secret; for a day messages carry signatures of both',
    answer: { schema: CreatedWebhookEndpoint },
  })
  async rotate(
    @Param('id', { schema: Id }) id: string,
    @Caller() caller: CallerContext,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<CreatedWebhookEndpoint> {
    const secret = await this.services.rest.webhooks.rotateSecret(caller, id);
    if (secret === null) throw new NotFound(WHAT);
    return { ...(await this.endpoint(id, caller, reply)), secret };
  }

  @Get(':id/deliveries')
  @Access({ may: 'webhook:read' })
  @Operation({
    id: 'listWebhookDeliveries',
    summary: 'Messages to an endpoint and what became of them, newest first',
    answer: { schema: WebhookDeliveryPage },
  })
  async deliveries(
    @Param('id', { schema: Id }) id: string,
    @Query({ schema: WebhookDeliveryQuery }) query: z.output<typeof WebhookDeliveryQuery>,
    @Caller() caller: CallerContext,
  ): Promise<Page<WebhookDelivery>> {
    await this.endpoint(id, caller);
    const wanted = { ...query, endpointId: id };
    return this.services.rest.lists.page(deliveryListing, scopeOf(caller), wanted, asOwner(caller));
  }

  @Get(':id/deliveries/:deliveryId')
  @Access({ may: 'webhook:read' })
  @Operation({
    id: 'getWebhookDelivery',
    summary: 'One message, with every attempt',
    answer: { schema: WebhookDeliveryDetail },
  })
  async delivery(
    @Param('id', { schema: Id }) id: string,
    @Param('deliveryId', { schema: Id }) deliveryId: string,
    @Caller() caller: CallerContext,
  ): Promise<WebhookDeliveryDetail> {
    const delivery = await this.services.rest.lists.one(deliveryListing, scopeOf(caller), deliveryId, asOwner(caller));
    if (delivery === null || delivery.endpointId !== id) throw new NotFound('delivery');
    const log = await this.services.database.transaction(scopeOf(caller), async (tx) => {
      await asOwner(caller)(tx);
      return tx.query<AttemptRow>(
        'select attempt, at, status, duration_ms, answer, error from webhook_attempt where delivery_id = $1 order by attempt',
        [deliveryId],
      );
    });
    return {
      ...delivery,
      log: log.map(({ at, duration_ms: durationMs, ...rest }) => ({ ...rest, at: at.toISOString(), durationMs })),
    };
  }

  @Post(':id/deliveries/:deliveryId/replay')
  @HttpCode(202)
  @Access({ may: 'webhook:manage' })
  @Operation({ id: 'replayWebhookDelivery', summary: 'Send one message again', answer: { schema: Replayed } })
  replayOne(
    @Param('id', { schema: Id }) id: string,
    @Param('deliveryId', { schema: Id }) deliveryId: string,
    @Caller() caller: CallerContext,
  ): Promise<z.infer<typeof Replayed>> {
    return this.replay(caller, id, { deliveryId });
  }

  @Post(':id/replay')
  @HttpCode(202)
  @Access({ may: 'webhook:manage' })
  @Operation({
    id: 'replayWebhookDeliveries',
    summary: 'Send all messages since a time again',
    answer: { schema: Replayed },
  })
  replaySince(
    @Param('id', { schema: Id }) id: string,
    @Body({ schema: ReplaySince }) body: z.infer<typeof ReplaySince>,
    @Caller() caller: CallerContext,
  ): Promise<z.infer<typeof Replayed>> {
    return this.replay(caller, id, { since: new Date(body.since) });
  }

  private async replay(
    caller: CallerContext,
    id: string,
    which: { readonly deliveryId: string } | { readonly since: Date },
  ): Promise<z.infer<typeof Replayed>> {
    const deliveries = await this.services.rest.webhooks.replay(caller, id, which);
    if (deliveries === null) throw new NotFound('delivery');
    return { deliveries };
  }

  private async endpoint(id: string, caller: CallerContext, reply?: FastifyReply): Promise<WebhookEndpoint> {
    const endpoint = await this.services.rest.lists.one(endpointListing, scopeOf(caller), id, asOwner(caller));
    if (endpoint === null) throw new NotFound(WHAT);
    reply?.header('etag', versionTag(endpoint.version));
    return endpoint;
  }
}

interface AttemptRow {
  attempt: number;
  at: Date;
  status: number | null;
  duration_ms: number;
  answer: string;
  error: string;
}

const asOwner =
  (caller: CallerContext) =>
  (tx: Tx): Promise<void> =>
    actFor(tx, ownerOf(caller, 'webhook:read'));
