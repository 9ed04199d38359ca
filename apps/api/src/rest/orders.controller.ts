import { Body, Controller, Delete, Get, Headers, HttpCode, Inject, Param, Post, Put, Query, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import {
  Hold,
  HoldPage,
  HoldQuery,
  NewHold,
  NewWaiver,
  Policy,
  PolicyChange,
  PolicyPage,
  PolicyQuery,
  Waiver,
  WaiverPage,
  WaiverQuery,
} from '@vouch/contracts';
import { actFor, ownerOf, scopeOf, type Action, type CallerContext } from '@vouch/identity';
import type { Tx } from '@vouch/platform';
import { z } from 'zod';
import { NotFound } from '../access/access.errors.js';
import { Access, Caller } from '../access/access.js';
import { versionOf, versionTag } from '../http/entity-tag.js';
import type { Listing, Page } from '../listing/lists.js';
import { Operation } from '../openapi/operation.js';
import { Services } from '../services.js';
import { holdListing, policyListing, waiverListing } from './orders.listings.js';

const Id = z.uuid();

/** What members of an MSP order about approvals, beside what its policies decide by themselves. */
@ApiTags('orders')
@Controller('api/v1')
export class OrdersController {
  constructor(@Inject(Services) private readonly services: Services) {}

  @Get('policies')
  @Access({ may: 'policy:read' })
  @Operation({ id: 'listPolicies', summary: 'The policies of your MSP', answer: { schema: PolicyPage } })
  policies(
    @Query({ schema: PolicyQuery }) query: z.output<typeof PolicyQuery>,
    @Caller() caller: CallerContext,
  ): Promise<Page<Policy>> {
    return this.services.rest.lists.page(policyListing, scopeOf(caller), query, asOwner(caller, 'policy:read'));
  }

  @Get('policies/:id')
  @Access({ may: 'policy:read' })
  @Operation({ id: 'getPolicy', summary: 'One policy', answer: { schema: Policy } })
  policy(
    @Param('id', { schema: Id }) id: string,
    @Caller() caller: CallerContext,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Policy> {
    return this.policyOf(caller, id, reply);
  }

  @Put('policies/:id')
  @Access({ may: 'policy:change' })
  @Operation({
    id: 'changePolicy',
    summary: 'Other rules for a policy',
    description: 'What waits is decided anew, and what was approved and no longer would be is not offered any more.',
    conditional: true,
    answer: { schema: Policy },
  })
  async change(
    @Param('id', { schema: Id }) id: string,
    @Body({ schema: PolicyChange }) body: PolicyChange,
    @Headers('if-match') ifMatch: string | undefined,
    @Caller() caller: CallerContext,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Policy> {
    await this.policyOf(caller, id);
    const version = versionOf(ifMatch, 'policy');
    if (!(await this.services.rest.policies.change(caller, id, version, body))) throw new NotFound('policy');
    return this.policyOf(caller, id, reply);
  }

  @Get('holds')
  @Access({ may: 'hold:read' })
  @Operation({ id: 'listHolds', summary: 'Patches that your MSP holds, newest first', answer: { schema: HoldPage } })
  holds(
    @Query({ schema: HoldQuery }) query: z.output<typeof HoldQuery>,
    @Caller() caller: CallerContext,
  ): Promise<Page<Hold>> {
    return this.services.rest.lists.page(holdListing, scopeOf(caller), query, asOwner(caller, 'hold:read'));
  }

  @Post('holds')
  @Access({ may: 'hold:manage' })
  @Operation({
    id: 'holdPatch',
    summary: 'Stop offering a patch to all customers of your MSP',
    description: 'Within seconds no machine is offered it any more. Machines that have it keep it.',
    answer: { schema: Hold },
    problems: [404, 409],
  })
  async hold(@Body({ schema: NewHold }) body: NewHold, @Caller() caller: CallerContext): Promise<Hold> {
    const id = await this.services.rest.orders.hold(caller, body);
    if (id === null) throw new NotFound('patch');
    return this.one(holdListing, caller, 'hold:read', id, 'hold');
  }

  @Delete('holds/:id')
  @HttpCode(204)
  @Access({ may: 'hold:manage' })
  @Operation({ id: 'endHold', summary: 'Offer a patch again where its policy approves it' })
  async release(@Param('id', { schema: Id }) id: string, @Caller() caller: CallerContext): Promise<void> {
    if (!(await this.services.rest.orders.end(caller, 'hold', id))) throw new NotFound('hold');
  }

  @Get('waivers')
  @Access({ may: 'hold:read' })
  @Operation({
    id: 'listWaivers',
    summary: 'Verdicts whose doubts your MSP waives, newest first',
    answer: { schema: WaiverPage },
  })
  waivers(
    @Query({ schema: WaiverQuery }) query: z.output<typeof WaiverQuery>,
    @Caller() caller: CallerContext,
  ): Promise<Page<Waiver>> {
    return this.services.rest.lists.page(waiverListing, scopeOf(caller), query, asOwner(caller, 'hold:read'));
  }

  @Post('waivers')
  @Access({ may: 'waiver:manage' })
  @Operation({
    id: 'waiveVerdict',
    summary: 'Approve a patch in spite of what its verdict says, for your customers and for a time',
    description:
      'For exactly the bytes of this verdict, whichever result it has. Another verdict of the same patch is another matter. The lowest ring goes first, as always.',
    answer: { schema: Waiver },
    problems: [404, 409],
  })
  async waive(@Body({ schema: NewWaiver }) body: NewWaiver, @Caller() caller: CallerContext): Promise<Waiver> {
    const id = await this.services.rest.orders.waive(caller, body);
    if (id === null) throw new NotFound('verdict');
    return this.one(waiverListing, caller, 'hold:read', id, 'waiver');
  }

  @Delete('waivers/:id')
  @HttpCode(204)
  @Access({ may: 'waiver:manage' })
  @Operation({ id: 'endWaiver', summary: 'End a waiver: what rests on it is not offered any more' })
  async endWaiver(@Param('id', { schema: Id }) id: string, @Caller() caller: CallerContext): Promise<void> {
    if (!(await this.services.rest.orders.end(caller, 'waiver', id))) throw new NotFound('waiver');
  }

  private async policyOf(caller: CallerContext, id: string, reply?: FastifyReply): Promise<Policy> {
    const policy = await this.one(policyListing, caller, 'policy:read', id, 'policy');
    reply?.header('etag', versionTag(policy.version));
    return policy;
  }

  private async one<Row, View>(
    listing: Listing<Row, View>,
    caller: CallerContext,
    action: Action,
    id: string,
    what: string,
  ): Promise<View> {
    const found = await this.services.rest.lists.one(listing, scopeOf(caller), id, asOwner(caller, action));
    if (found === null) throw new NotFound(what);
    return found;
  }
}

const asOwner =
  (caller: CallerContext, action: Action) =>
  (tx: Tx): Promise<void> =>
    actFor(tx, ownerOf(caller, action));
