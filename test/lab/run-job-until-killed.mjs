// A runner that takes one run and may be killed at it. Its lab is a stand-in, whose machine is long gone when it answers:
// what matters here is before and after.
import { LabApi } from '../../apps/lab-runner/dist/lab-api.js';
import { runJob } from '../../apps/lab-runner/dist/run-job.js';
import { openWorkDir } from '../../apps/lab-runner/dist/work-dir.js';
import { unobserved } from '../../libs/lab/dist/index.js';
import { createLogger } from '../../libs/platform/dist/index.js';

const [url, token, directory] = process.argv.slice(2);
const { signal } = new AbortController();
const workDir = await openWorkDir(directory, 'killed');
const api = new LabApi(url, token, signal);
const job = await api.claim({ drivers: ['sandbox'] });
const log = Buffer.from('what the machine said');
const { createHash } = await import('node:crypto');
const sha256 = createHash('sha256').update(log).digest('hex');
const test = async () => ({
  observations: { ...unobserved(job.goldenDigest, job.plan), failure: null },
  evidence: [{ name: 'apply.log', mediaType: 'text/plain', bytes: log, sha256 }],
});
console.log(await runJob(job, test, api, workDir, createLogger('lab-runner', 'silent'), signal));
