import { Command, Option } from 'commander';
import { addAudit } from './commands/audit.js';
import { addFleet } from './commands/fleet.js';
import { addKeys } from './commands/keys.js';
import { addLogin } from './commands/login.js';
import { addMoney } from './commands/money.js';
import { addPatches } from './commands/patches.js';
import { addWebhooks } from './commands/webhooks.js';
import { DEFAULT_FILE } from './credentials.js';
import { EXIT_CODES_HELP } from './exit-codes.js';

/** The program with all its commands. */
export function createProgram(): Command {
  const program = new Command('vouch')
    .description('Patch approvals of all your tenants, from the command line.')
    .addOption(new Option('--url <url>', 'where Vouch runs').env('VOUCH_URL'))
    // Given on a command line every user of the machine would see it.
    .addOption(new Option('--api-key <key>').env('VOUCH_API_KEY').hideHelp())
    .addOption(
      new Option('--credentials <file>', 'where the API key is kept').env('VOUCH_CREDENTIALS').default(DEFAULT_FILE),
    )
    .option('--json', 'answer as JSON, for scripts')
    .showHelpAfterError('(try vouch --help)')
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: false })
    .addHelpText(
      'after',
      `
Examples:
  vouch login https://vouch.example < key-file
  vouch devices --tenant "Corner Bakery"
  vouch check ./nginx_1.22.1-9_amd64.deb --device bakery-shop && dpkg -i ./nginx_1.22.1-9_amd64.deb
  vouch token create --tenant "Corner Bakery" --ring 1
  vouch statements --period 2026-01 --json
  vouch audit export --output audit.ndjson && vouch audit verify audit.ndjson --key audit-key.pem
${EXIT_CODES_HELP}`,
    );
  addLogin(program);
  addFleet(program);
  addPatches(program);
  addMoney(program);
  addKeys(program);
  addWebhooks(program);
  addAudit(program);
  return program;
}
