import type { components } from '@vouch/client';
import type { Command } from 'commander';
import { minute } from '../output.js';
import { Session } from '../session.js';

type ApiKey = components['schemas']['ApiKey'];

export function addKeys(program: Command): void {
  const keys = program.command('keys').description('API keys (people make them, no key does)');
  keys
    .command('list', { isDefault: true })
    .description('keys, without their secrets')
    .action(async (_options: unknown, command: Command) => {
      const session = await Session.open(command);
      const columns = {
        name: (k: ApiKey) => k.name,
        key: (k: ApiKey) => k.hint,
        role: (k: ApiKey) => k.role,
        state: (k: ApiKey) => k.state,
        'last used': (k: ApiKey) => minute(k.lastUsedAt),
        expires: (k: ApiKey) => minute(k.expiresAt),
        id: (k: ApiKey) => k.id,
      };
      session.list(await session.all('/api/v1/api-keys'), columns, 'There is no key.');
    });
  keys
    .command('revoke')
    .description('end a key at once')
    .argument('<id>')
    .action(async (id: string, _options: unknown, command: Command) => {
      const session = await Session.open(command);
      await session.api.DELETE('/api/v1/api-keys/{id}', { params: { path: { id } } });
      session.show({ id, state: 'revoked' }, 'The key is revoked.');
    });
}
