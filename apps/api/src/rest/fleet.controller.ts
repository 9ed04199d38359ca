import { Controller, Delete, Get, HttpCode, Inject, Param, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import {
  DeviceDetail,
  DevicePage,
  DeviceQuery,
  Tenant,
  TenantPage,
  TenantQuery,
  Whoami,
  type Device,
  type Fingerprint,
} from '@vouch/contracts';
import { may, permissions, scopeOf, type Action, type CallerContext } from '@vouch/identity';
import { z } from 'zod';
import { NotFound } from '../access/access.errors.js';
import { Access, Caller } from '../access/access.js';
import type { Page } from '../listing/lists.js';
import { Operation } from '../openapi/operation.js';
import { Services } from '../services.js';
import { deviceListing, tenantListing } from './fleet.listings.js';

@ApiTags('fleet')
@Controller('api/v1')
export class FleetController {
  constructor(@Inject(Services) private readonly services: Services) {}

  @Get('whoami')
  @Access('caller')
  @ApiTags('session')
  @Operation({ id: 'whoami', summary: 'Who calls, and what the caller may do', answer: { schema: Whoami } })
  whoami(@Caller() caller: CallerContext): z.infer<typeof Whoami> {
    const { kind, id, name, role, msp, tenantIds } = caller;
    const actions = (Object.keys(permissions) as Action[]).filter((action) => may(caller, action));
    return { kind, id, name, role, msp, tenantIds: [...tenantIds], actions };
  }

  @Get('tenants')
  @Access({ may: 'tenant:read' })
  @Operation({ id: 'listTenants', summary: 'Tenants that you act for, newest first', answer: { schema: TenantPage } })
  tenants(
    @Query({ schema: TenantQuery }) query: z.output<typeof TenantQuery>,
    @Caller() caller: CallerContext,
  ): Promise<Page<Tenant>> {
    return this.services.rest.lists.page(tenantListing, scopeOf(caller), query);
  }

  @Get('tenants/:id')
  @Access({ may: 'tenant:read' })
  @Operation({ id: 'getTenant', summary: 'One tenant', answer: { schema: Tenant } })
  async tenant(@Param('id', { schema: z.uuid() }) id: string, @Caller() caller: CallerContext): Promise<Tenant> {
    const tenant = await this.services.rest.lists.one(tenantListing, scopeOf(caller), id);
    if (tenant === null) throw new NotFound('tenant');
    return tenant;
  }

  @Get('devices')
  @Access({ may: 'device:read' })
  @Operation({ id: 'listDevices', summary: 'Managed machines, newest first', answer: { schema: DevicePage } })
  devices(
    @Query({ schema: DeviceQuery }) query: z.output<typeof DeviceQuery>,
    @Caller() caller: CallerContext,
  ): Promise<Page<Device>> {
    return this.services.rest.lists.page(deviceListing, scopeOf(caller), query);
  }

  @Get('devices/:id')
  @Access({ may: 'device:read' })
  @Operation({ id: 'getDevice', summary: 'One machine, with what it said it is', answer: { schema: DeviceDetail } })
  async device(
    @Param('id', { schema: z.uuid() }) id: string,
    @Caller() caller: CallerContext,
  ): Promise<z.infer<typeof DeviceDetail>> {
    const scope = scopeOf(caller);
    const device = await this.services.rest.lists.one(deviceListing, scope, id);
    const [row] = await this.services.database.read<{ fingerprint: Fingerprint | null }>(
      scope,
      'select fingerprint from fleet_device where id = $1',
      [id],
    );
    if (device === null || row === undefined) throw new NotFound('device');
    return { ...device, fingerprint: row.fingerprint };
  }

  @Delete('devices/:id')
  @HttpCode(204)
  @Access({ may: 'device:revoke' })
  @Operation({
    id: 'revokeDevice',
    summary: 'End what a machine may: its key counts no more',
    description:
      'For a machine that was stolen or is gone. It is offered nothing any more; to come back it must enrol anew.',
  })
  async revoke(@Param('id', { schema: z.uuid() }) id: string, @Caller() caller: CallerContext): Promise<void> {
    if (!(await this.services.revokeDevice.revoke(caller, id))) throw new NotFound('device');
  }
}
