import path from 'node:path';
import { keyStoreSettings } from '@vouch/evidence';
import { loadConfig, runProcess, systemClock } from '@vouch/platform';
import { Ceremony } from './ceremony.js';

const USAGE = `usage: npm run keys -- COMMAND [--root FOLDER]

  init                     make what is missing: root, keys, first trust document
  show                     which keys are believed for what, and until when
  rotate PURPOSE           a new key for manifest, verdict, audit or apt; the old one goes on for 30 days
  revoke KEY-ID            believe nothing any more that this key signed
  rotate-root              another root; the old one and the new one sign
  renew                    the same content for another year
  sign DRAFT               sign a draft on the machine of the root; prints the envelope
  publish ENVELOPE         publish what was signed elsewhere

The root lies in FOLDER (default: root-key in the data folder). Where it is not there, a draft is written instead, to be
signed where it is. See docs/keys.md.
`;

await runProcess(async () => {
  const args = process.argv.slice(2);
  const at = args.indexOf('--root');
  const given = at === -1 ? undefined : args.splice(at, 2)[1];
  const [command = '', argument = ''] = args;
  const config = loadConfig(keyStoreSettings);
  const root = path.resolve(given ?? path.join(config.VOUCH_DATA_DIR, 'root-key'));
  const ceremony = new Ceremony(config, root, systemClock, (line) => process.stdout.write(`${line}\n`));
  const commands: Record<string, () => Promise<void>> = {
    init: () => ceremony.init(),
    show: () => ceremony.show(),
    rotate: () => ceremony.rotate(argument),
    revoke: () => ceremony.revoke(argument),
    'rotate-root': () => ceremony.rotateRoot(),
    renew: () => ceremony.renew(),
    sign: () => ceremony.sign(argument),
    publish: () => ceremony.publish(argument),
  };
  const run = commands[command];
  if (run === undefined) {
    process.stderr.write(USAGE);
    process.exit(2);
  }
  await run();
});
