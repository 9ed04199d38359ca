import type { Artefact, LabJob, RunObservations } from '@vouch/contracts';
import { DEBIAN_UPGRADE, planDigest } from '@vouch/lab';
import { idOf, sha256Hex } from '@vouch/platform';
import type pg from 'pg';
import { LAB_TOKEN, type TestApi } from '../integration/api.js';

export const GOLDEN = sha256Hex('golden of the attacks');
export const PROFILE = sha256Hex('profile of the attacks');
export const AS_RUNNER = { authorization: `Bearer ${LAB_TOKEN}` };
const SOURCE = 'attacks-security';

/** A vendor's patch with a queued test run; nothing has been tested. */
export async function queueRun(owner: pg.Client, name: string): Promise<{ runId: string; artefact: Artefact }> {
  const id = (what: string): string => idOf('attacks', what, name);
  const artefact: Artefact = {
    package: name,
    version: '2',
    architecture: 'amd64',
    fileName: `pool/${name}_2_amd64.deb`,
    sizeBytes: 1,
    sha256: sha256Hex(name),
  };
  const now = new Date();
  const statements: [string, unknown[]][] = [
    [
      `insert into catalog_source (id, stream, title, kind, definition, state) values ($1, 's', 'Security', 'debian', '{}', 'ok')
       on conflict do nothing`,
      [SOURCE],
    ],
    [
      `insert into catalog_snapshot (id, source_id, index_sha256, release_date, fetched_at, package_count, signed_by)
       values ($1, $2, $3, $4, $4, 1, 'key')`,
      [id('snapshot'), SOURCE, sha256Hex(id('index')), now],
    ],
    ['insert into catalog_patch (id, source_id, external_id) values ($1, $2, $3)', [id('patch'), SOURCE, name]],
    [
      `insert into catalog_revision (id, patch_id, version, metadata_sha256, artefacts_sha256, first_snapshot, last_snapshot)
       values ($1, $2, '2', $3, $3, $4, $4)`,
      [id('revision'), id('patch'), sha256Hex(name), id('snapshot')],
    ],
    [
      `insert into lab_profile (digest, name, title, stream, definition) values ($1, 'p', 'P', 's', '{}') on conflict do nothing`,
      [PROFILE],
    ],
    [
      `insert into lab_test_run (id, revision_id, profile_digest, golden_digest, plan_digest, plan, correlation_id)
       values ($1, $2, $3, $4, $5, $6, 'attack')`,
      [id('run'), id('revision'), PROFILE, GOLDEN, planDigest(DEBIAN_UPGRADE), JSON.stringify(DEBIAN_UPGRADE)],
    ],
    [
      `insert into lab_test_run_artefact (run_id, package, version, architecture, file_name, size_bytes, sha256)
       values ($1, $2, $3, $4, $5, $6, $7)`,
      [id('run'), ...Object.values(artefact)],
    ],
  ];
  for (const [text, values] of statements) await owner.query(text, values);
  return { runId: id('run'), artefact };
}

/** A lab-runner introduces itself and says that it has the golden. */
export async function introduce(api: TestApi, headers = AS_RUNNER): Promise<void> {
  const sandbox = { name: 'sandbox', fidelity: 'full', capabilities: ['packages'] };
  await api.post('/lab/v1/hello', { name: 'lab', drivers: [sandbox] }, headers);
  const golden = { profileDigest: PROFILE, state: 'ready', digest: GOLDEN, buildMilliseconds: 1 };
  await api.post('/lab/v1/goldens', golden, headers);
}

/** Takes a run. */
export async function claim(api: TestApi, headers = AS_RUNNER): Promise<LabJob> {
  return (await (await api.post('/lab/v1/runs/claim', {}, headers)).json()) as LabJob;
}

/** What a lab says that saw nothing wrong. */
export function flawless(job: LabJob): RunObservations {
  const probes = [{ name: 'web answers', ok: true, detail: '', durationMs: 1 }];
  return {
    driver: 'sandbox',
    fidelity: 'full',
    capabilities: ['packages', 'services', 'reboot'],
    goldenDigest: job.goldenDigest,
    plan: job.plan,
    tested: job.artefacts,
    steps: job.plan.steps.map((step) => ({
      step,
      startedAt: new Date().toISOString(),
      durationMs: 1,
      exitCode: 0,
      ok: true,
      detail: '',
      probes: step.startsWith('probe') || step === 'baseline' ? probes : [],
    })),
    packageDiff: job.artefacts.map((a) => ({ package: a.package, from: '1', to: a.version })),
    fileDiff: [],
    failure: null,
    labMilliseconds: 9000,
  };
}
