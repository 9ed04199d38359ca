import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { ApiKeyPage, ApiKeyQuery, CreatedApiKey, NewApiKey, type ApiKey } from '@vouch/contracts';
import { actFor, ownerOf, scopeOf, type CallerContext } from '@vouch/identity';
import { z } from 'zod';
import { NotFound } from '../access/access.errors.js';
import { Access, Caller } from '../access/access.js';
import type { Page } from '../listing/lists.js';
import { Operation } from '../openapi/operation.js';
import { Services } from '../services.js';
import { apiKeyListing } from './fleet.listings.js';

@ApiTags('api-keys')
@Controller('api/v1/api-keys')
export class ApiKeysController {
  constructor(@Inject(Services) private readonly services: Services) {}

  @Get()
  @Access({ may: 'api-key:read' })
  @Operation({
    id: 'listApiKeys',
    summary: 'API keys of your MSP or tenant, without their secrets, newest first',
    answer: { schema: ApiKeyPage },
  })
  list(
    @Query({ schema: ApiKeyQuery }) query: z.output<typeof ApiKeyQuery>,
    @Caller() caller: CallerContext,
  ): Promise<Page<ApiKey>> {
    const owner = ownerOf(caller, 'api-key:read');
    return this.services.rest.lists.page(apiKeyListing, scopeOf(caller), query, (tx) => actFor(tx, owner));
  }

  @Post()
  @Access({ may: 'api-key:create' })
  @Operation({
    id: 'createApiKey',
    summary: 'An API key for programs; it is shown only here',
    description:
      'The key may do a part of what you may, in a part of the tenants that you act for, until it expires or you are removed. Only people make keys.',
    answer: { schema: CreatedApiKey },
  })
  async create(@Body({ schema: NewApiKey }) body: NewApiKey, @Caller() caller: CallerContext): Promise<CreatedApiKey> {
    const { id, key } = await this.services.rest.apiKeys.create(caller, body);
    const owner = ownerOf(caller, 'api-key:create');
    const made = await this.services.rest.lists.one(apiKeyListing, scopeOf(caller), id, (tx) => actFor(tx, owner));
    if (made === null) throw new TypeError('A key that was just made cannot be found.');
    return { ...made, key };
  }

  @Delete(':id')
  @HttpCode(204)
  @Access({ may: 'api-key:revoke' })
  @Operation({ id: 'revokeApiKey', summary: 'End a key at once' })
  async revoke(@Param('id', { schema: z.uuid() }) id: string, @Caller() caller: CallerContext): Promise<void> {
    if (!(await this.services.rest.apiKeys.revoke(caller, id))) throw new NotFound('active API key');
  }
}
