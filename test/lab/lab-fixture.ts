import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Artefact, LabJob, Profile, RunReport, StepProgress } from '@vouch/contracts';
import {
  ControlRuns,
  DEBIAN_UPGRADE_AND_BACK,
  GoldenBuilder,
  hostRelease,
  parseProfile,
  prerequisites,
  removeOrphans,
  repeatFailedRun,
  runPlan,
  PLAN_LIMITS,
  SandboxDriver,
  SandboxHost,
  verdict,
  type Golden,
  type LabGolden,
  type LabRun,
  type PlanLimits,
  type RunResult,
  type Verdict,
} from '@vouch/lab';
import { sh } from './shell.js';

const ROOT = path.resolve(import.meta.dirname, '../..');
/** Kept between runs: building a golden takes most of a minute, and its content is its name. */
export const DATA_DIR = path.join(ROOT, '.data/test-lab');
const CACHE = path.join(DATA_DIR, 'sandbox');

/** True where sandboxes cannot run; then their tests are skipped, with a reason on the terminal, except where they must run. */
export const NO_LAB = process.env['CI'] !== 'true' && (await reasonIsPrinted());

async function reasonIsPrinted(): Promise<boolean> {
  const answer = await prerequisites();
  if (answer.ok && answer.init === 'systemd') return false;
  process.stderr.write(`Sandbox tests are skipped: ${answer.reason}\n`);
  return true;
}

/** One file of a patch, and where its bytes lie. */
export interface PatchFile {
  readonly artefact: Artefact;
  readonly file: string;
}

export interface Lab {
  readonly host: SandboxHost;
  readonly golden: Golden;
  readonly profile: Profile;
  /** Runs the default plan against some files and judges what was seen. */
  test(patch: readonly PatchFile[], options?: TestOptions): Promise<TestOutcome>;
  close(): Promise<void>;
}

export interface TestOptions {
  readonly limits?: Partial<PlanLimits>;
  readonly golden?: Golden;
  readonly signal?: AbortSignal;
  readonly onProgress?: (step: StepProgress) => void;
  /** Instead of a new one. */
  readonly job?: LabJob;
  /** What fails is done again, as the runner does. */
  readonly repeated?: boolean;
}

export interface TestOutcome {
  readonly verdict: Verdict;
  readonly observations: RunReport['observations'];
  readonly evidence: ReadonlyMap<string, string>;
  readonly progress: readonly StepProgress[];
}

/** Where sandboxes run, and what is kept of their control runs. */
export interface Host {
  readonly sandboxes: SandboxHost;
  readonly controls: ControlRuns;
  close(): Promise<void>;
}

/** @param init `sysv`: as where no control group can be delegated */
export async function openHost(init: 'systemd' | 'sysv' = 'systemd'): Promise<Host> {
  await mkdir(CACHE, { recursive: true });
  const sandboxes = await SandboxHost.open(CACHE, init);
  await removeOrphans(sandboxes);
  const controls = new ControlRuns(path.join(CACHE, 'controls'), () => new Date());
  const close = async (): Promise<void> => {
    await controls.close();
    await sandboxes.close();
  };
  return { sandboxes, controls, close };
}

/** Takes over the layers of a lab that is not needed any more: they are named by their content, and take minutes to build. */
export async function takeLayersOf(directory: string): Promise<void> {
  const host = await openHost();
  const layers = path.join(directory, 'layers');
  for (const name of await readdir(layers).catch(() => []))
    // What is there already, or lies on another disk, is built again where it is wanted.
    if (!name.endsWith('.lock') && !name.startsWith('.'))
      await rename(path.join(layers, name), path.join(CACHE, 'layers', name)).catch(() => undefined);
  await host.close();
}

/** A lab with a golden of the profile that comes with Vouch. */
export async function openLab(init: 'systemd' | 'sysv' = 'systemd'): Promise<Lab> {
  const host = await openHost(init);
  const file = path.join(ROOT, 'libs/lab/profiles/web-database.yaml');
  const profile = parseProfile(await readFile(file, 'utf8'), file, (await hostRelease()).stream);
  const golden = await new GoldenBuilder(host.sandboxes).build(profile);
  return {
    host: host.sandboxes,
    golden,
    profile,
    test: (patch, options = {}) => runTest(host, options.golden ?? golden, patch, options),
    close: () => host.close(),
  };
}

/** Runs the default plan against some files of a golden and judges what was seen. */
export async function runTest(
  host: Host,
  golden: Golden,
  patch: readonly PatchFile[],
  options: TestOptions = {},
): Promise<TestOutcome> {
  const limits = { ...PLAN_LIMITS, settleMs: 2000, ...options.limits };
  const driver = new SandboxDriver(host.sandboxes, { find: async () => golden });
  const artefacts = patch.map(({ artefact }) => artefact);
  const job = options.job ?? jobFor(golden, artefacts);
  const progress: StepProgress[] = [];
  const run: LabRun = {
    job,
    artefactFiles: new Map(patch.map(({ artefact, file }) => [artefact.sha256, file])),
    onProgress: (step) => {
      progress.push(step);
      options.onProgress?.(step);
    },
    signal: options.signal ?? new AbortController().signal,
  };
  const once = (each: LabRun): Promise<RunResult> => runPlan(driver, each, () => new Date(), limits, host.controls);
  const { observations, evidence } = await (options.repeated === true ? repeatFailedRun(once, run) : once(run));
  return {
    verdict: verdict(observations, { artefacts: job.artefacts, goldenDigest: golden.digest, plan: job.plan }),
    observations,
    evidence: new Map(evidence.map(({ name, bytes }) => [name, Buffer.from(bytes).toString()])),
    progress,
  };
}

export function jobFor(golden: Pick<LabGolden, 'digest' | 'profileDigest'>, artefacts: readonly Artefact[]): LabJob {
  const [first] = artefacts;
  return {
    runId: randomUUID(),
    attempt: 1,
    leaseSeconds: 30,
    correlationId: 'test',
    patch: { revisionId: randomUUID(), source: 'test', name: first?.package ?? '', version: first?.version ?? '' },
    artefacts: [...artefacts],
    profileDigest: golden.profileDigest,
    goldenDigest: golden.digest,
    plan: DEBIAN_UPGRADE_AND_BACK,
  };
}

/** Files with the vendor's real bytes: a security update of something that the golden has in an older version. */
export async function securityUpgrade(golden: Pick<LabGolden, 'components'>, source: string): Promise<PatchFile[]> {
  const packages = golden.components.filter((component) => component.source === source);
  const wanted: string[] = [];
  for (const component of packages) {
    const version = await securityVersion(component.package);
    if (version !== undefined && (await isNewer(version, component.version)))
      wanted.push(`${component.package}=${version}`);
  }
  return wanted.length === 0 ? [] : download(wanted);
}

/** Fetches packages, each `NAME=VERSION`, from this machine's sources, and keeps them. */
export async function download(wanted: readonly string[]): Promise<PatchFile[]> {
  const folder = path.join(CACHE, 'downloads', createHash('sha256').update(wanted.join()).digest('hex').slice(0, 16));
  await mkdir(folder, { recursive: true });
  if ((await readdir(folder)).length < wanted.length)
    await sh('apt-get -q -o APT::Sandbox::User=root download "$@"', wanted, folder);
  const names = (await readdir(folder)).filter((name) => name.endsWith('.deb'));
  return Promise.all(names.map((name) => patchFile(path.join(folder, name))));
}

export async function securityVersion(name: string): Promise<string | undefined> {
  const listing = await sh('apt-cache madison "$1"', [name]);
  return listing
    .split('\n')
    .map((line) => line.split('|').map((column) => column.trim()))
    .find(([, , source = '']) => /-security[ /].* Packages$/.test(source))?.[1];
}

const isNewer = (a: string, b: string): Promise<boolean> =>
  sh('dpkg --compare-versions "$1" gt "$2"', [a, b]).then(
    () => true,
    () => false,
  );

/** Describes a package file by what it says itself. */
export async function patchFile(file: string, claims: Partial<Artefact> = {}): Promise<PatchFile> {
  const bytes = await readFile(file);
  const said = await sh('dpkg-deb --show --showformat=\'${Package} ${Version} ${Architecture}\' "$1" || true', [file]);
  const [name = '', version = '', architecture = ''] = said.split(' ');
  return {
    file,
    artefact: {
      package: name,
      version,
      architecture,
      fileName: path.basename(file),
      sizeBytes: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      ...claims,
    },
  };
}

/** Builds a package of our own that upgrades one of the golden's, with a script that runs when it is installed. */
export async function buildPackage(
  folder: string,
  control: {
    readonly package: string;
    readonly version: string;
    readonly depends?: string;
    /** As the package says itself. */
    readonly installedKiB?: number;
  },
  postinst: string,
): Promise<PatchFile> {
  const tree = path.join(folder, randomUUID());
  await mkdir(path.join(tree, 'DEBIAN'), { recursive: true });
  const fields = [
    `Package: ${control.package}`,
    `Version: ${control.version}`,
    'Architecture: all',
    'Maintainer: Vouch tests <tests@vouch.invalid>',
    ...(control.depends === undefined ? [] : [`Depends: ${control.depends}`]),
    ...(control.installedKiB === undefined ? [] : [`Installed-Size: ${control.installedKiB}`]),
    'Description: made for a test',
    '',
  ];
  await writeFile(path.join(tree, 'DEBIAN/control'), fields.join('\n'));
  await writeFile(path.join(tree, 'DEBIAN/postinst'), `#!/bin/sh\n${postinst}\n`, { mode: 0o755 });
  await sh('dpkg-deb --root-owner-group --build "$1" "$1.deb"', [tree]);
  return patchFile(`${tree}.deb`);
}
