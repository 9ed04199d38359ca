import { VouchClient } from '@vouch/client';
import type { Command } from 'commander';
import { forgetCredentials, loadCredentials, saveCredentials } from '../credentials.js';
import { UsageProblem } from '../exit-codes.js';
import { sheet } from '../output.js';
import { readSecret } from '../secret-input.js';
import { Session, type GlobalOptions } from '../session.js';

export function addLogin(program: Command): void {
  program
    .command('login')
    .argument('[url]', 'where Vouch runs, e.g. https://vouch.example')
    .description('keep an API key for the next commands (from VOUCH_API_KEY, standard input, or typed)')
    .action(async (url: string | undefined, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const target = url ?? options.url ?? (await loadCredentials(options.credentials)).url;
      if (target === undefined || !URL.canParse(target))
        throw new UsageProblem('Say where Vouch runs: vouch login https://vouch.example');
      const key = options.apiKey ?? (await readSecret('API key: '));
      if (!/^vk_[\w-]{43}$/.test(key))
        throw new UsageProblem('This is not an API key: it begins with vk_ and has 46 characters.');
      const { data } = await new VouchClient({ url: target, key }).api.GET('/api/v1/whoami');
      await saveCredentials(options.credentials, { url: target, key });
      process.stdout.write(`Signed in to ${data?.msp ?? target} with the key "${data?.name ?? ''}".\n`);
    });

  program
    .command('logout')
    .description('forget the kept API key (it stays valid: see keys revoke)')
    .action(async (_options: unknown, command: Command) => {
      await forgetCredentials(command.optsWithGlobals<GlobalOptions>().credentials);
    });

  program
    .command('whoami')
    .description('whose key this is, and what it may do')
    .action(async (_options: unknown, command: Command) => {
      const session = await Session.open(command);
      const { data: me } = await session.api.GET('/api/v1/whoami');
      if (!me) return;
      const { name, role, msp, tenantIds, actions } = me;
      session.show(me, sheet({ name, role, msp, tenants: tenantIds.length, actions: actions.join(', ') }));
    });
}
