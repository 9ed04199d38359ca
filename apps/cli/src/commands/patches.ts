import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { components } from '@vouch/client';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { EXIT, UsageProblem } from '../exit-codes.js';
import { minute, sheet } from '../output.js';
import { Session } from '../session.js';

type Patch = components['schemas']['Patch'];
type Run = components['schemas']['TestRun'];

export function addPatches(program: Command): void {
  program
    .command('patches')
    .description('patches that your machines need or needed')
    .addOption(new Option('-s, --state <state>').choices(['offered', 'replaced', 'vanished', 'suspect']))
    .action(async ({ state }: { state?: Patch['state'] }, command: Command) => {
      const session = await Session.open(command);
      const columns = {
        patch: (p: Patch) => p.patch,
        version: (p: Patch) => p.version,
        state: (p: Patch) => p.state,
        'first seen': (p: Patch) => minute(p.firstSeenAt),
        id: (p: Patch) => p.revisionId,
      };
      session.list(await session.all('/api/v1/patches', state ? { state } : {}), columns, 'No machine needs a patch.');
    });

  program
    .command('runs')
    .description('tests in the lab')
    .option('-p, --patch <id>', 'of this patch only', uuid)
    .action(async ({ patch }: { patch?: string }, command: Command) => {
      const session = await Session.open(command);
      const columns = {
        patch: (r: Run) => r.patch,
        version: (r: Run) => r.version,
        lab: (r: Run) => r.profile,
        state: (r: Run) => r.state,
        result: (r: Run) => r.result,
        finished: (r: Run) => minute(r.finishedAt),
        id: (r: Run) => r.id,
      };
      session.list(
        await session.all('/api/v1/runs', patch ? { revisionId: patch } : {}),
        columns,
        'Nothing was tested yet.',
      );
    });

  program
    .command('verdict')
    .description('one verdict; --json includes its signed statement')
    .argument('<id>', 'of the verdict, or of its run', uuid)
    .action(async (id: string, _options: unknown, command: Command) => {
      const session = await Session.open(command);
      const [ofRun] = await session.all('/api/v1/verdicts', { runId: id });
      const { data } = await session.api.GET('/api/v1/verdicts/{id}', { params: { path: { id: ofRun?.id ?? id } } });
      if (!data) return;
      const { result, sentence, patch, version, covered, notCovered, issuedAt, expiresAt, statementSha256 } = data;
      session.show(
        data,
        sheet({
          patch: `${patch} ${version}`,
          result,
          sentence,
          covered: covered.join(', '),
          'not covered': notCovered.join(', '),
          issued: minute(issuedAt),
          expires: minute(expiresAt),
          statement: statementSha256,
        }),
      );
    });

  program
    .command('check')
    .description('is this file, or the file with this SHA-256, approved for this machine?')
    .argument('<file-or-sha256>')
    .requiredOption('-d, --device <name-or-id>', 'the machine')
    .action(async (what: string, { device }: { device: string }, command: Command) => {
      const sha256 = /^[0-9a-f]{64}$/i.test(what) ? what.toLowerCase() : await digestOf(what);
      const session = await Session.open(command);
      const query = { sha256, deviceId: await session.deviceId(device) };
      const { data } = await session.api.GET('/api/v1/approvals/check', { params: { query } });
      if (!data) return;
      session.show(data, `${data.approved ? 'approved' : 'NOT approved'}: ${data.reason}`);
      if (!data.approved) process.exitCode = EXIT.notApproved;
    });
}

function uuid(text: string): string {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) throw new InvalidArgumentError('It is not an id.');
  return text;
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash).catch((error: Error) => {
    throw new UsageProblem(`${file} cannot be read: ${error.message}.`);
  });
  return hash.digest('hex');
}
