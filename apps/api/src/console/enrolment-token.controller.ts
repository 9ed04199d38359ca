import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import {
  CreatedEnrolmentToken,
  EnrolmentTokenPage,
  EnrolmentTokenQuery,
  NewEnrolmentToken,
  type EnrolmentToken,
} from '@vouch/contracts';
import { scopeOf, type CallerContext } from '@vouch/identity';
import { z } from 'zod';
import { NotFound } from '../access/access.errors.js';
import { Access, Caller } from '../access/access.js';
import type { Page } from '../listing/lists.js';
import { Operation } from '../openapi/operation.js';
import { enrolmentTokenListing } from '../rest/fleet.listings.js';
import { Services } from '../services.js';

@ApiTags('fleet')
@Controller('api/v1/enrolment-tokens')
export class EnrolmentTokenController {
  constructor(@Inject(Services) private readonly services: Services) {}

  @Get()
  @Access({ may: 'enrolment-token:read' })
  @Operation({
    id: 'listEnrolmentTokens',
    summary: 'Enrolment tokens without their secrets, newest first',
    answer: { schema: EnrolmentTokenPage },
  })
  list(
    @Query({ schema: EnrolmentTokenQuery }) query: z.output<typeof EnrolmentTokenQuery>,
    @Caller() caller: CallerContext,
  ): Promise<Page<EnrolmentToken>> {
    return this.services.rest.lists.page(enrolmentTokenListing, scopeOf(caller), query);
  }

  @Post()
  @Access({ may: 'enrolment-token:create' })
  @Operation({
    id: 'createEnrolmentToken',
    summary: 'A one-time token with which one device can enrol; it is shown only here',
    answer: { schema: CreatedEnrolmentToken },
    problems: [404],
  })
  async create(
    @Body({ schema: NewEnrolmentToken }) body: z.infer<typeof NewEnrolmentToken>,
    @Caller() caller: CallerContext,
  ): Promise<z.infer<typeof CreatedEnrolmentToken>> {
    if (!caller.tenantIds.includes(body.tenantId)) throw new NotFound('tenant');
    const { id, token, expiresAt } = await this.services.enrolment.createToken(caller, body.tenantId, body.ring);
    return { id, token, expiresAt: expiresAt.toISOString() };
  }

  @Delete(':id')
  @HttpCode(204)
  @Access({ may: 'enrolment-token:revoke' })
  @Operation({ id: 'revokeEnrolmentToken', summary: 'End a token that nobody has used' })
  async revoke(@Param('id', { schema: z.uuid() }) id: string, @Caller() caller: CallerContext): Promise<void> {
    if (!(await this.services.enrolment.revokeToken(caller, id))) throw new NotFound('open enrolment token');
  }
}
