// What benches of the lab share: a golden, a real update of it, and whole tests with their verdicts.
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import {
  ControlRuns,
  GoldenBuilder,
  hostRelease,
  parseProfile,
  PLAN_LIMITS,
  removeOrphans,
  runPlan,
  SandboxDriver,
  SandboxHost,
  verdict,
} from '@vouch/lab';
import { root } from '../../infra/local/prepare.mjs';
import { download, securityUpdates } from '../bad-patches/vendor-updates.mjs';

/** @param more packages to have in the golden beside those of the profile that comes with Vouch */
export async function openTestBed(more = []) {
  const data = path.join(root, '.data/test-lab/sandbox');
  const downloads = path.join(data, 'downloads');
  fs.mkdirSync(downloads, { recursive: true });
  const host = await SandboxHost.open(data);
  await removeOrphans(host);
  const file = path.join(root, 'libs/lab/profiles/web-database.yaml');
  const known = parseProfile(fs.readFileSync(file, 'utf8'), file, (await hostRelease()).stream);
  const components = [...known.components, ...more.map((name) => ({ package: name }))];
  const golden = await new GoldenBuilder(host).build({ ...known, components });
  const driver = new SandboxDriver(host, { find: async () => golden });
  const controls = new ControlRuns(path.join(data, 'controls'), () => new Date());
  return {
    host,
    golden,
    /** The real security update of a source package, as files. */
    update: (source) => download(securityUpdates(golden).get(source), downloads),
    /** Makes the control of a plan, unless there is one: it is made once for all patches of a golden. */
    prepare: (plan) => controls.of(driver, golden, plan, PLAN_LIMITS),
    /** One whole test with a control run of its own, made beside it; over when both are. @returns the verdict */
    async withOwnControl(plan, patch) {
      const folder = fs.mkdtempSync(path.join(data, 'controls-'));
      const own = new ControlRuns(folder, () => new Date());
      try {
        const control = own.of(driver, golden, plan, PLAN_LIMITS);
        const judged = await this.test(plan, patch, own);
        await control;
        return judged;
      } finally {
        await own.close();
        fs.rmSync(folder, { recursive: true, force: true });
      }
    },
    /** One whole test. @returns the verdict */
    async test(plan, patch, known = plan.steps.includes('way-back') ? controls : undefined) {
      const artefacts = patch.map(({ artefact }) => artefact);
      const [first] = artefacts;
      const job = {
        runId: randomUUID(),
        attempt: 1,
        leaseSeconds: 30,
        correlationId: 'bench',
        patch: { revisionId: randomUUID(), source: 'bench', name: first.package, version: first.version },
        artefacts,
        profileDigest: golden.profileDigest,
        goldenDigest: golden.digest,
        plan,
      };
      const run = {
        job,
        artefactFiles: new Map(patch.map(({ artefact, file: at }) => [artefact.sha256, at])),
        onProgress: () => undefined,
        signal: new AbortController().signal,
      };
      const clock = () => new Date();
      const { observations } = await runPlan(driver, run, clock, PLAN_LIMITS, known);
      return verdict(observations, { artefacts, goldenDigest: golden.digest, plan });
    },
    async close() {
      await controls.close();
      await host.close();
    },
  };
}
