import { buildAgentPackage } from './build-package.js';

const [target] = process.argv.slice(2);
if (target === undefined) {
  process.stderr.write('usage: node main.js TARGET.deb\n');
  process.exit(2);
}
await buildAgentPackage(target);
