import { Body, Controller, Get, Inject, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Msp, MspPage, MspQuery, NewMsp, NewTenant, Tenant } from '@vouch/contracts';
import type { CallerContext } from '@vouch/identity';
import { forTenants, shared } from '@vouch/platform';
import type { z } from 'zod';
import { Access, Caller } from '../access/access.js';
import { Operation } from '../openapi/operation.js';
import type { Page } from '../listing/lists.js';
import { tenantListing } from '../rest/fleet.listings.js';
import { Services } from '../services.js';
import { mspListing } from './people.listings.js';

@ApiTags('organisation')
@Controller('api/v1')
export class OrganisationController {
  constructor(@Inject(Services) private readonly services: Services) {}

  @Get('msps')
  @Access({ may: 'msp:read' })
  @Operation({ id: 'listMsps', summary: 'MSPs of this installation, newest first', answer: { schema: MspPage } })
  msps(@Query({ schema: MspQuery }) query: z.output<typeof MspQuery>): Promise<Page<Msp>> {
    return this.services.rest.lists.page(mspListing, shared, query);
  }

  @Post('msps')
  @Access({ may: 'msp:create' })
  @Operation({ id: 'createMsp', summary: 'Make an MSP and invite its first owner by mail', answer: { schema: Msp } })
  async createMsp(
    @Body({ schema: NewMsp }) body: z.infer<typeof NewMsp>,
    @Caller() caller: CallerContext,
  ): Promise<Msp> {
    const id = await this.services.people.organisation.makeMsp(caller, body);
    const made = await this.services.rest.lists.one(mspListing, shared, id);
    if (made === null) throw new TypeError('An MSP that was just made cannot be found.');
    return made;
  }

  @Post('tenants')
  @Access({ may: 'tenant:create' })
  @Operation({ id: 'createTenant', summary: 'Make a tenant of your MSP', answer: { schema: Tenant } })
  async createTenant(
    @Body({ schema: NewTenant }) body: z.infer<typeof NewTenant>,
    @Caller() caller: CallerContext,
  ): Promise<Tenant> {
    const id = await this.services.people.organisation.makeTenant(caller, body.name);
    const made = await this.services.rest.lists.one(tenantListing, forTenants(id), id);
    if (made === null) throw new TypeError('A tenant that was just made cannot be found.');
    return made;
  }
}
