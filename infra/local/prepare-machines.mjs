// Brings the system packages that machines with kernels of their own need, and builds: before `npm run test:vm`.
import { checkNode, prepare } from './prepare.mjs';

const say = (line) => process.stdout.write(`${line}\n`);
checkNode();
const advice = await prepare(say, { forMachines: true });
if (advice) say(advice);
