// A runner that is killed in the middle of a plan: when a given step has begun, and a moment has passed.
import { readFile } from 'node:fs/promises';
import {
  ControlRuns,
  DEBIAN_UPGRADE_AND_BACK,
  PLAN_LIMITS,
  runPlan,
  SandboxDriver,
  SandboxHost,
} from '../../libs/lab/dist/index.js';

const [directory, orders] = process.argv.slice(2);
const { golden, job, file, step } = JSON.parse(await readFile(orders, 'utf8'));
const host = await SandboxHost.open(directory);
await runPlan(
  new SandboxDriver(host, { find: async () => golden }),
  {
    job: { ...job, plan: DEBIAN_UPGRADE_AND_BACK },
    artefactFiles: new Map([[job.artefacts[0].sha256, file]]),
    onProgress: (progress) => {
      if (progress.step === step && progress.state === 'started')
        setTimeout(() => process.kill(process.pid, 'SIGKILL'), 120);
    },
    signal: new AbortController().signal,
  },
  () => new Date(),
  PLAN_LIMITS,
  new ControlRuns(`${directory}/controls`, () => new Date()),
);
