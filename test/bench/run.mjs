// `npm run bench -- NAME [--json]`: measures, and ends with one line: a JSON object with `ratio` and what it compares.
import { build, installSystemPackages } from '../../infra/local/prepare.mjs';

const benches = {
  'lab-overhead': () => import('./lab-overhead.mjs'),
  'lab-qemu': () => import('./lab-qemu.mjs'),
  'cost-split': () => import('./cost-split.mjs'),
  'lab-speed': () => import('./lab-speed.mjs'),
  'lab-parallel': () => import('./lab-parallel.mjs'),
  'lab-catch-rate': () => import('./lab-catch-rate.mjs'),
};

const [name] = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const load = benches[name];
if (!load) {
  process.stdout.write(`usage: npm run bench -- NAME [--json]\n\nNAME is one of: ${Object.keys(benches).join(', ')}\n`);
  process.exit(2);
}
const quiet = process.argv.includes('--json');
const say = (line) => quiet || process.stdout.write(`${line}\n`);
await installSystemPackages(say);
build(say);
const { run } = await load();
process.stdout.write(`${JSON.stringify({ bench: name, ...(await run(say)) })}\n`);
process.exit(0);
