import { execFileSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {
  DEBIAN_UPGRADE,
  GoldenBuilder,
  hostRelease,
  Machine,
  parseProfile,
  runPlan,
  SandboxDriver,
  SandboxHost,
} from '@vouch/lab';
import { root } from '../../infra/local/prepare.mjs';
import { interleaved } from './measure.mjs';

/** Downloads the newest packages of nginx that this machine's sources offer. */
function download(folder) {
  fs.chmodSync(folder, 0o777);
  execFileSync('apt-get', ['download', 'nginx', 'nginx-common'], { cwd: folder, stdio: 'ignore' });
  return fs.readdirSync(folder).map((name) => {
    const file = path.join(folder, name);
    const [pkg, version, architecture] = execFileSync(
      'dpkg-deb',
      ['--show', '--showformat=${Package}\n${Version}\n${Architecture}', file],
      { encoding: 'utf8' },
    ).split('\n');
    const bytes = fs.readFileSync(file);
    return {
      file,
      artefact: {
        package: pkg,
        version,
        architecture,
        fileName: name,
        sizeBytes: bytes.length,
        sha256: createHash('sha256').update(bytes).digest('hex'),
      },
    };
  });
}

/** A whole test against the bare cost of its machine: restore, boot, apt, restart, discard, with no look at anything. */
export async function run(say) {
  const data = path.join(root, '.data/test-lab/sandbox');
  fs.mkdirSync(data, { recursive: true });
  const host = await SandboxHost.open(data);
  const profileFile = path.join(root, 'libs/lab/profiles/web-database.yaml');
  const profile = parseProfile(fs.readFileSync(profileFile, 'utf8'), profileFile, (await hostRelease()).stream);
  const golden = await new GoldenBuilder(host).build(profile);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'vouch-bench-'));
  try {
    const patch = download(folder);
    const driver = new SandboxDriver(host, { find: async () => golden });
    const job = () => ({
      runId: randomUUID(),
      attempt: 1,
      leaseSeconds: 30,
      correlationId: 'bench',
      patch: { revisionId: randomUUID(), source: 'bench', name: 'nginx', version: patch[0].artefact.version },
      artefacts: patch.map(({ artefact }) => artefact),
      profileDigest: golden.profileDigest,
      goldenDigest: golden.digest,
      plan: DEBIAN_UPGRADE,
    });
    const files = new Map(patch.map(({ artefact, file }) => [artefact.sha256, file]));
    const whole = async () => {
      const { observations } = await runPlan(
        driver,
        { job: job(), artefactFiles: files, onProgress: () => undefined, signal: new AbortController().signal },
        () => new Date(),
      );
      if (observations.failure) throw new Error(observations.failure.message);
    };
    const bare = async () => {
      const machine = await Machine.start(host, {
        name: `bench-${randomUUID().slice(0, 8)}`,
        layers: golden.layers,
        storage: { kind: 'memory', sizeMiB: 1024 },
      });
      try {
        for (const { artefact, file } of patch)
          await machine.put(`/tmp/bench/${artefact.sha256}.deb`, fs.createReadStream(file));
        await machine.mustExec(
          'apt',
          'apt-get -q -y --no-install-recommends -o APT::Sandbox::User=root install /tmp/bench/*.deb',
        );
        await machine.reboot();
      } finally {
        await machine.discard();
      }
    };
    const ms = await interleaved({ whole, bare }, 5, say);
    return {
      ratio: ms.whole / ms.bare,
      compares:
        'our whole test (restore, 3 rounds of checks, apply, restart, evidence) / bare restore, boot, apt, restart in the same sandbox',
      milliseconds: ms,
    };
  } finally {
    await host.close();
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
