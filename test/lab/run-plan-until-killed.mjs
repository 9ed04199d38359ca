// A runner that is killed in the middle of a plan: in a given step, while its machine works on it. What the machine answers
// is never heard, so that the step cannot have ended before.
import { readFile } from 'node:fs/promises';
import {
  ControlRuns,
  MACHINE_PLAN_LIMITS,
  PLAN_LIMITS,
  QemuDriver,
  runPlan,
  SandboxDriver,
  SandboxHost,
} from '../../libs/lab/dist/index.js';

const WORKING_MS = 120;
/** In these steps, the moment that matters is not the first thing that is done. */
const MOMENT = { apply: '--no-remove install', 'way-back': '--allow-downgrades' };

const [directory, orders] = process.argv.slice(2);
const { golden, job, file, step, kind = 'sandbox' } = JSON.parse(await readFile(orders, 'utf8'));
const host = await SandboxHost.open(directory);
const driver = new (kind === 'qemu' ? QemuDriver : SandboxDriver)(host, { find: async () => golden });
let current = '';

/** Does something and, when the moment has come, is killed before it hears what came of it. */
async function orDie(what, work) {
  const moment = current === step && what.includes(MOMENT[step] ?? '');
  const done = work();
  if (!moment) return done;
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), WORKING_MS);
  return new Promise(() => undefined);
}

const watched = (machine) =>
  new Proxy(machine, {
    get(target, name) {
      const value = target[name];
      if (typeof value !== 'function' || name === 'discard') return value;
      return (...args) => orDie([args[0]].flat().join(' '), () => value.apply(target, args));
    },
  });

const { restore } = driver;
driver.restore = (digest, options) => {
  // The control has a machine too, which nobody kills.
  if (!options.name.startsWith('run-')) return restore.call(driver, digest, options);
  return orDie('', () => restore.call(driver, digest, options)).then(watched);
};
await runPlan(
  driver,
  {
    job,
    artefactFiles: new Map([[job.artefacts[0].sha256, file]]),
    onProgress: (progress) => {
      current = progress.step;
      console.log(`${progress.step} ${progress.state}`);
    },
    signal: new AbortController().signal,
  },
  () => new Date(),
  ...(kind === 'qemu'
    ? [MACHINE_PLAN_LIMITS]
    : [PLAN_LIMITS, new ControlRuns(`${directory}/controls`, () => new Date())]),
);
