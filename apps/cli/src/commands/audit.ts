import fs from 'node:fs/promises';
import type { components } from '@vouch/client';
import type { Command } from 'commander';
import { checkExport } from '../audit-chain.js';
import { EXIT, UsageProblem } from '../exit-codes.js';
import { minute } from '../output.js';
import { Session } from '../session.js';

type Entry = components['schemas']['AuditEntry'];
interface Filters {
  readonly actor?: string;
  readonly action?: string;
  readonly subject?: string;
  readonly from?: string;
  readonly to?: string;
}

export function addAudit(program: Command): void {
  const audit = program.command('audit').description('who did what, when, why and from where');

  audit
    .command('list')
    .description('entries of your tenants and of your organisation, oldest first')
    .option('--actor <actor>', 'what this member, key, device or program did, e.g. member:ID')
    .option('--action <action>', 'what was done in this way, e.g. device.revoke')
    .option('--subject <subject>', 'what was done to this thing, e.g. device:ID')
    .option('--from <time>', 'then or later, e.g. 2026-03-01T00:00:00Z')
    .option('--to <time>', 'before that time')
    .action(async (filters: Filters, command: Command) => {
      const session = await Session.open(command);
      const columns = {
        when: (e: Entry) => minute(e.at),
        who: (e: Entry) => e.actor,
        what: (e: Entry) => e.action,
        'to what': (e: Entry) => e.subject,
        'from where': (e: Entry) => e.from,
        why: (e: Entry) => e.why,
      };
      session.list(await session.all('/api/v1/audit', { ...filters }), columns, 'Nothing of this kind was done.');
    });

  audit
    .command('export')
    .description('the whole trail with its signed checkpoints, one JSON object a line')
    .option('-o, --output <file>', 'where to write it (otherwise to the standard output)')
    .action(async ({ output }: { output?: string }, command: Command) => {
      const session = await Session.open(command);
      const { data } = await session.api.GET('/api/v1/audit/export', { parseAs: 'stream' });
      const lines = data as unknown as ReadableStream<Uint8Array>;
      if (output !== undefined) return fs.writeFile(output, lines);
      for await (const part of lines) process.stdout.write(part);
    });

  audit
    .command('verify <file>')
    .description('is an export as it was written? asks no server')
    .requiredOption('-k, --key <file...>', 'public audit keys (PEM), from a place that you trust')
    .action(async (file: string, { key }: { key: string[] }) => {
      const keys = await Promise.all(key.map((each) => fs.readFile(each, 'utf8')));
      const { broken, chains } = checkExport(await fs.readFile(file, 'utf8'), keys);
      if (broken !== null) throw new UsageProblem(`The trail is broken: ${broken}.`, EXIT.notWhole);
      for (const { chain, entries, signedUpTo } of chains)
        process.stdout.write(`Whole: ${entries} entries of ${chain}, the first ${signedUpTo} signed.\n`);
    });
}
