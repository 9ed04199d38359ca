import type { components } from '@vouch/client';
import type { Command } from 'commander';
import { minute, money } from '../output.js';
import { Session } from '../session.js';

type Cost = components['schemas']['CostEntry'];
type Statement = components['schemas']['Statement'];

export function addMoney(program: Command): void {
  program
    .command('costs')
    .description('what tests cost, before they are split')
    .action(async (_options: unknown, command: Command) => {
      const session = await Session.open(command);
      const columns = {
        metered: (c: Cost) => minute(c.meteredAt),
        patch: (c: Cost) => c.patch,
        version: (c: Cost) => c.version,
        'lab seconds': (c: Cost) => c.labSeconds.toFixed(1),
        total: (c: Cost) => money(c.total),
        run: (c: Cost) => c.runId,
      };
      session.list(await session.all('/api/v1/costs'), columns, 'Nothing was metered yet.');
    });

  program
    .command('statements')
    .description("tenants' bills")
    .option('-t, --tenant <name-or-id>', 'of this tenant only')
    .option('-p, --period <period>', 'of this period only, e.g. 2026-01')
    .action(async ({ tenant, period }: { tenant?: string; period?: string }, command: Command) => {
      const session = await Session.open(command);
      const names = new Map((await session.all('/api/v1/tenants')).map(({ id, name }) => [id, name]));
      const query = { ...(tenant ? { tenantId: await session.tenantId(tenant) } : {}), ...(period ? { period } : {}) };
      const columns = {
        period: (s: Statement) => s.period,
        tenant: (s: Statement) => names.get(s.tenantId),
        total: (s: Statement) => money(s.total),
        state: (s: Statement) => s.state,
        invoice: (s: Statement) => s.invoiceUrl,
      };
      session.list(await session.all('/api/v1/statements', query), columns, 'There is no statement yet.');
    });
}
