import { Body, Controller, Inject, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Msp, NewMsp, NewTenant, Tenant } from '@vouch/contracts';
import type { CallerContext } from '@vouch/identity';
import { forTenants } from '@vouch/platform';
import type { z } from 'zod';
import { Access, Caller } from '../access/access.js';
import { Operation } from '../openapi/operation.js';
import { tenantListing } from '../rest/fleet.listings.js';
import { Services } from '../services.js';

@ApiTags('organisation')
@Controller('api/v1')
export class OrganisationController {
  constructor(@Inject(Services) private readonly services: Services) {}

  @Post('msps')
  @Access({ may: 'msp:create' })
  @Operation({ id: 'createMsp', summary: 'Make an MSP and invite its first owner by mail', answer: { schema: Msp } })
  async createMsp(
    @Body({ schema: NewMsp }) body: z.infer<typeof NewMsp>,
    @Caller() caller: CallerContext,
  ): Promise<z.infer<typeof Msp>> {
    return { id: await this.services.people.organisation.makeMsp(caller, body), name: body.name };
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
