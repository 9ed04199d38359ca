import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {
  ControlRuns,
  DEBIAN_UPGRADE_AND_BACK,
  PLAN_LIMITS,
  removeOrphans,
  repeatFailedRun,
  runPlan,
  SandboxDriver,
  SandboxHost,
  verdict,
} from '@vouch/lab';
import { root } from '../../infra/local/prepare.mjs';
import { corpusGolden } from '../bad-patches/golden.mjs';
import { corpus, patchOf } from '../bad-patches/packages.mjs';
import { download, securityUpdates } from '../bad-patches/vendor-updates.mjs';

/** A test waits most of its time, for services that start and for the watch after a restart. */
const AT_ONCE = Number(process.env.VOUCH_BENCH_CONCURRENCY ?? 3 * os.availableParallelism());
const LIMITS = { ...PLAN_LIMITS, applyMs: 60_000, settleMs: 6000, storageMiB: 1024 };

/** The whole corpus: which bad patches were caught, which good ones were held against. `VOUCH_BENCH_ONLY`: names of some. */
export async function run(say) {
  const data = path.join(root, '.data/test-lab/sandbox');
  fs.mkdirSync(data, { recursive: true });
  const host = await SandboxHost.open(data);
  await removeOrphans(host);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'vouch-corpus-'));
  const golden = await corpusGolden(host);
  const driver = new SandboxDriver(host, { find: async () => golden });
  const controls = new ControlRuns(path.join(data, 'controls'), () => new Date());
  const updates = securityUpdates(golden);
  const downloads = path.join(data, 'downloads');
  fs.mkdirSync(downloads, { recursive: true });
  const files = new Map([...updates].map(([source, wanted]) => [source, download(wanted, downloads)]));
  const vendor = [...files.get('nginx')];
  const cases = [
    ...corpus('bad').map((patch) => ({ ...patch, bad: true, files: patchOf(folder, patch, vendor) })),
    ...corpus('good').map((patch) => ({ ...patch, bad: false, files: patchOf(folder, patch, vendor) })),
    ...[...files].map(([source, debs]) => ({ name: `security update of ${source}`, bad: false, files: debs })),
  ];
  const only = process.env.VOUCH_BENCH_ONLY?.split(',');
  const chosen = only === undefined ? cases : cases.filter(({ name }) => only.includes(name));
  const queue = [...chosen];
  const misses = [];
  const falseAlarms = [];
  const otherwise = [];
  const seconds = [];
  const startedAt = performance.now();
  const next = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) {
      const judged = await judge(driver, golden, controls, item);
      seconds.push(judged.seconds);
      const said = [...judged.reasons, ...judged.cautions].join(' | ');
      const caught = judged.result === 'fail' || judged.flaky || judged.reversible === false;
      const line = { name: item.name, result: judged.result, said: said.slice(0, 600) };
      if (item.bad && !caught) misses.push(line);
      if (item.bad && caught && !said.includes(item.caughtBy)) otherwise.push({ ...line, expected: item.caughtBy });
      if (!item.bad && (judged.result !== 'pass' || judged.reversible === false)) falseAlarms.push(line);
      const right = item.bad ? caught : judged.result === 'pass' && judged.reversible !== false;
      say(
        `${right ? 'right' : 'WRONG'} ${item.bad ? 'bad ' : 'good'} ${item.name}: ${judged.result} ${said.slice(0, 200)}`,
      );
    }
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, next));
  } finally {
    await controls.close();
    await host.close();
    fs.rmSync(folder, { recursive: true, force: true });
  }
  const bad = chosen.filter((item) => item.bad).length;
  return {
    bad,
    caught: bad - misses.length,
    good: chosen.length - bad,
    falseAlarms: falseAlarms.length,
    ratio: bad === 0 ? 1 : (bad - misses.length) / bad,
    compares: 'bad patches that were caught / bad patches of the corpus',
    realUpdates: files.size,
    misses,
    alarms: falseAlarms,
    caughtByAnotherCheck: otherwise,
    seconds: Math.round((performance.now() - startedAt) / 1000),
  };
}

async function judge(driver, golden, controls, { files: patch }) {
  const begun = performance.now();
  const artefacts = patch.map(({ artefact }) => artefact);
  const job = {
    runId: randomUUID(),
    attempt: 1,
    leaseSeconds: 30,
    correlationId: 'bench',
    patch: { revisionId: randomUUID(), source: 'bench', name: artefacts[0].package, version: artefacts[0].version },
    artefacts,
    profileDigest: golden.profileDigest,
    goldenDigest: golden.digest,
    plan: DEBIAN_UPGRADE_AND_BACK,
  };
  const { observations } = await repeatFailedRun((run) => runPlan(driver, run, () => new Date(), LIMITS, controls), {
    job,
    artefactFiles: new Map(patch.map(({ artefact, file }) => [artefact.sha256, file])),
    onProgress: () => undefined,
    signal: new AbortController().signal,
  });
  const judged = verdict(observations, { artefacts, goldenDigest: golden.digest, plan: job.plan });
  const flaky = judged.result === 'inconclusive' && judged.reasons.some((reason) => reason.includes('flaky'));
  return { ...judged, flaky, seconds: (performance.now() - begun) / 1000 };
}
