// Brings the system packages that machines with kernels of their own need, and builds: before `npm run test:vm`.
import { build, checkNode, installDependencies, installSystemPackages } from './prepare.mjs';

const say = (line) => process.stdout.write(`${line}\n`);
checkNode();
installDependencies(say);
const advice = installSystemPackages(say, { forMachines: true });
if (advice) say(advice);
build(say);
