import { Controller, Get, Inject, Param, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import {
  CostEntryPage,
  CostEntryQuery,
  SharePage,
  ShareQuery,
  Statement,
  StatementPage,
  StatementQuery,
  type CostEntry,
  type Share,
} from '@vouch/contracts';
import { scopeOf, type CallerContext } from '@vouch/identity';
import { z } from 'zod';
import { NotFound } from '../access/access.errors.js';
import { Access, Caller } from '../access/access.js';
import type { Page } from '../listing/lists.js';
import { Operation } from '../openapi/operation.js';
import { Services } from '../services.js';
import { costListing, shareListing, statementListing } from './billing.listings.js';

@ApiTags('billing')
@Controller('api/v1')
export class CostsController {
  constructor(@Inject(Services) private readonly services: Services) {}

  @Get('costs')
  @Access({ may: 'cost:read' })
  @Operation({
    id: 'listCosts',
    summary: 'Metered costs of tests that tenants of yours need or share, newest first',
    answer: { schema: CostEntryPage },
  })
  costs(
    @Query({ schema: CostEntryQuery }) query: z.output<typeof CostEntryQuery>,
    @Caller() caller: CallerContext,
  ): Promise<Page<CostEntry>> {
    return this.services.rest.lists.page(costListing, scopeOf(caller), query);
  }

  @Get('shares')
  @Access({ may: 'cost:read' })
  @Operation({ id: 'listShares', summary: "Tenants' parts of costs, newest first", answer: { schema: SharePage } })
  shares(
    @Query({ schema: ShareQuery }) query: z.output<typeof ShareQuery>,
    @Caller() caller: CallerContext,
  ): Promise<Page<Share>> {
    return this.services.rest.lists.page(shareListing, scopeOf(caller), query);
  }

  @Get('statements')
  @Access({ may: 'statement:read' })
  @Operation({ id: 'listStatements', summary: "Tenants' statements, newest first", answer: { schema: StatementPage } })
  statements(
    @Query({ schema: StatementQuery }) query: z.output<typeof StatementQuery>,
    @Caller() caller: CallerContext,
  ): Promise<Page<Statement>> {
    return this.services.rest.lists.page(statementListing, scopeOf(caller), query);
  }

  @Get('statements/:id')
  @Access({ may: 'statement:read' })
  @Operation({ id: 'getStatement', summary: 'One statement', answer: { schema: Statement } })
  async statement(@Param('id', { schema: z.uuid() }) id: string, @Caller() caller: CallerContext): Promise<Statement> {
    const statement = await this.services.rest.lists.one(statementListing, scopeOf(caller), id);
    if (statement === null) throw new NotFound('statement');
    return statement;
  }
}
