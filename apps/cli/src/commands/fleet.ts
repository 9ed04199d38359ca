import type { components } from '@vouch/client';
import type { Command } from 'commander';
import { UsageProblem } from '../exit-codes.js';
import { minute, sheet } from '../output.js';
import { Session } from '../session.js';

type Tenant = components['schemas']['Tenant'];
type Device = components['schemas']['Device'];
type Token = components['schemas']['EnrolmentToken'];

export function addFleet(program: Command): void {
  program
    .command('tenants')
    .description('the businesses that you act for')
    .action(async (_options: unknown, command: Command) => {
      const session = await Session.open(command);
      const columns = {
        name: (t: Tenant) => t.name,
        devices: (t: Tenant) => t.devices,
        policy: (t: Tenant) => t.policy?.name,
        id: (t: Tenant) => t.id,
      };
      session.list(await session.all('/api/v1/tenants'), columns, 'There is no tenant yet.');
    });

  program
    .command('devices')
    .description('managed machines')
    .option('-t, --tenant <name-or-id>', 'of this tenant only')
    .action(async ({ tenant }: { tenant?: string }, command: Command) => {
      const session = await Session.open(command);
      const names = new Map((await session.all('/api/v1/tenants')).map(({ id, name }) => [id, name]));
      const devices = await session.all('/api/v1/devices', tenant ? { tenantId: await session.tenantId(tenant) } : {});
      const columns = {
        tenant: (d: Device) => names.get(d.tenantId),
        name: (d: Device) => d.name,
        ring: (d: Device) => d.ring,
        cohort: (d: Device) => d.cohort?.label,
        'last seen': (d: Device) => minute(d.lastSeenAt),
        id: (d: Device) => d.id,
      };
      session.list(devices, columns, 'No machine is enrolled yet: see `vouch token create`.');
    });

  const token = program.command('token').description('enrolment tokens: each lets one machine in');
  token
    .command('create')
    .description('make a token; it is shown only now')
    .requiredOption('-t, --tenant <name-or-id>', 'the machine is to belong to')
    .option('-r, --ring <number>', '0 is low impact and gets patches first', '0')
    .action(async ({ tenant, ring }: { tenant: string; ring: string }, command: Command) => {
      if (!/^\d$/.test(ring)) throw new UsageProblem('A ring is a number from 0 to 9.');
      const session = await Session.open(command);
      const body = { tenantId: await session.tenantId(tenant), ring: Number(ring) };
      const { data } = await session.api.POST('/api/v1/enrolment-tokens', { body });
      if (data) session.show(data, sheet({ token: data.token, expires: minute(data.expiresAt), id: data.id }));
    });
  token
    .command('list')
    .description('tokens, without their secrets')
    .option('-t, --tenant <name-or-id>', 'of this tenant only')
    .action(async ({ tenant }: { tenant?: string }, command: Command) => {
      const session = await Session.open(command);
      const query = tenant ? { tenantId: await session.tenantId(tenant) } : {};
      const columns = {
        state: (t: Token) => t.state,
        ring: (t: Token) => t.ring,
        expires: (t: Token) => minute(t.expiresAt),
        id: (t: Token) => t.id,
      };
      session.list(await session.all('/api/v1/enrolment-tokens', query), columns, 'There is no token.');
    });
  token
    .command('revoke')
    .description('end a token that nobody has used')
    .argument('<id>')
    .action(async (id: string, _options: unknown, command: Command) => {
      const session = await Session.open(command);
      await session.api.DELETE('/api/v1/enrolment-tokens/{id}', { params: { path: { id } } });
      session.show({ id, state: 'revoked' }, 'The token is revoked.');
    });
}
