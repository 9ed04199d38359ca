import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {
  adoptPolicy,
  DecideRevisionStage,
  FolderPublisher,
  OpenPgpSigner,
  PublishChannelStage,
  ReadManifest,
  registerPolicy,
} from '@vouch/approval';
import { NewestOffers, storeSnapshot, type IndexedPackage } from '@vouch/catalog';
import type { Capability, Component, PolicyRules, RunObservations } from '@vouch/contracts';
import { openFileSigner } from '@vouch/evidence';
import { AssessDemandStage, RecordFingerprint, rolesOf, type DeviceContext } from '@vouch/fleet';
import { registerMsp, registerTenant } from '@vouch/identity';
import {
  declareProfiles,
  DEBIAN_UPGRADE,
  IssueVerdictStage,
  planDigest,
  profileDigest,
  RunnerRegistry,
  RunQueue,
} from '@vouch/lab';
import { PlanRunsStage, RecordDemand } from '@vouch/planning';
import { ContentStore, forTenants, idOf, sha256Hex, shared, type Stage } from '@vouch/platform';
import { AdvanceRolloutStage, RecordOutcome } from '@vouch/rollout';
import { createTestDatabase, type TestDatabase } from './database.js';

export const STREAM = 'debian-12-amd64';
export const RULES: PolicyRules = {
  minimumCoverage: 0.5,
  acceptReducedFidelity: false,
  delayMinutes: 0,
  rings: 2,
  soakSeconds: 0,
};
/** Making an RSA key takes seconds: one for all. Nothing that is signed may be older than its key. */
const aptKeyFolder = fs.mkdtempSync(path.join(os.tmpdir(), 'vouch-shop-key-'));
const aptKey = OpenPgpSigner.open(path.join(aptKeyFolder, 'apt.asc'), 'test').finally(() =>
  fs.rmSync(aptKeyFolder, { recursive: true }),
);
const SOURCE = `${STREAM}-security`;
const PROFILE = {
  name: 'web',
  title: 'Web',
  stream: STREAM,
  components: [{ package: 'web' }],
  files: [],
  seed: [],
  probes: [],
};

export const debPackage = (
  name: string,
  version: string,
  bytes = `${name} ${version}`,
  source = name,
): IndexedPackage => ({
  package: name,
  version,
  architecture: 'amd64',
  fileName: `pool/${name}_${version}_amd64.deb`,
  sizeBytes: bytes.length,
  sha256: sha256Hex(bytes),
  source,
  sourceVersion: version,
  stanza: `Package: ${name}\nVersion: ${version}\nArchitecture: amd64\n`,
});
const component = (name: string, version: string): Component => ({
  package: name,
  version,
  architecture: 'amd64',
  source: name,
  sourceVersion: version,
});

/**
 * The main job's stages on a real database, without processes around them: the vendor, the lab and the machines are played
 * by the test, everything between them is real.
 */
export class Shop {
  now = new Date(Date.now() + 5000);
  readonly clock = (): Date => this.now;
  readonly tenants = ['a', 'b', 'c'].map((slug) => ({ id: idOf('shop', slug), name: slug }));
  readonly policyId = idOf('shop', 'policy');
  readonly devices: DeviceContext[] = [];
  readonly stages: Record<'demand' | 'planning' | 'verdict' | 'approval' | 'rollout' | 'channel', Stage>;
  readonly queue: RunQueue;
  readonly registry: RunnerRegistry;
  readonly outcomes: RecordOutcome;
  readonly manifests: ReadManifest;
  runnerId = '';
  /** Ids of the keys whose verdicts approve; emptied, they are as revoked. */
  readonly believedVerdictKeys: string[];

  private constructor(
    readonly database: TestDatabase,
    private readonly dataDir: string,
    signer: Awaited<ReturnType<typeof openFileSigner>>,
    apt: OpenPgpSigner,
  ) {
    const { platform, app } = database;
    this.believedVerdictKeys = [signer.keyId];
    const store = new ContentStore(path.join(dataDir, 'artefacts'));
    this.queue = new RunQueue(app, this.clock, 10);
    this.registry = new RunnerRegistry(app, this.clock);
    this.manifests = new ReadManifest(app);
    this.outcomes = new RecordOutcome(app, this.manifests, this.clock);
    const fetcher = {
      fetch: async (_revision: string, artefacts: readonly { sha256: string; package: string; version: string }[]) => {
        for (const a of artefacts)
          await store.put(Buffer.from(`${a.package} ${a.version}`), a.sha256).catch(() => undefined);
        return null;
      },
    };
    this.stages = {
      demand: new AssessDemandStage(
        platform,
        new NewestOffers(platform),
        new RecordDemand(platform, this.clock),
        this.clock,
      ),
      planning: new PlanRunsStage(
        platform,
        fetcher,
        {
          plan: DEBIAN_UPGRADE,
          planDigest: planDigest(DEBIAN_UPGRADE),
          rolesOf,
          minimumCoverage: 0.3,
        },
        this.clock,
      ),
      verdict: new IssueVerdictStage(platform, new RunQueue(platform, this.clock, 10), signer, this.clock, 30),
      approval: new DecideRevisionStage(platform, rolesOf, this.clock, this.believedVerdictKeys),
      rollout: new AdvanceRolloutStage(platform, this.clock),
      channel: new PublishChannelStage(
        platform,
        new FolderPublisher(path.join(dataDir, 'channels'), store, apt),
        signer,
        this.clock,
        3600,
      ),
    };
  }

  static async open(): Promise<Shop> {
    const apt = await aptKey;
    const dataDir = fs.mkdtempSync(path.join(os.tmpdir(), 'vouch-shop-'));
    const signer = await openFileSigner(path.join(dataDir, 'keys/key.pem'));
    const shop = new Shop(await createTestDatabase(), dataDir, signer, apt);
    await shop.seed();
    return shop;
  }

  async close(): Promise<void> {
    await this.database.drop();
    fs.rmSync(this.dataDir, { recursive: true, force: true });
  }

  /** The vendor offers exactly these packages now. */
  async vendorOffers(...packages: IndexedPackage[]): Promise<void> {
    await this.database.platform.transaction(shared, (tx) =>
      storeSnapshot(
        tx,
        SOURCE,
        {
          index: Buffer.from(''),
          indexSha256: sha256Hex(JSON.stringify(packages) + this.now.toISOString()),
          signedBy: 'key',
          release: {
            origin: 'Debian',
            suite: 's',
            codename: 's',
            date: this.now,
            validUntil: null,
            acquireByHash: true,
            files: new Map(),
          },
          packages: () => packages,
        },
        this.now,
        'test',
      ),
    );
  }

  /** Every device says what it has installed. */
  async devicesReport(
    versions: Record<string, string>,
    devices: readonly DeviceContext[] = this.devices,
  ): Promise<void> {
    const fingerprints = new RecordFingerprint(this.database.app, this.clock);
    const components = Object.entries(versions).map(([name, version]) => component(name, version));
    for (const device of devices) {
      await fingerprints.record(device, {
        osRelease: { id: 'debian', versionId: '12', codename: 'bookworm' },
        architecture: 'amd64',
        kernel: '6.1',
        services: ['web.service'],
        components: [...components, component(`own-${device.deviceId.slice(0, 4)}`, '1')],
      });
    }
    await this.stages.demand.process('all', 'test');
  }

  /** Runs every stage on what is pending, until nothing changes any more. */
  async settle(...names: (keyof Shop['stages'])[]): Promise<void> {
    const stages = names.length > 0 ? names.map((name) => this.stages[name]) : Object.values(this.stages);
    for (let round = 0; round < 4; round += 1) {
      for (const stage of stages) for (const key of await stage.pending()) await stage.process(key, 'test');
    }
  }

  /** The lab takes the next run and sees what the test says. */
  async labRuns(change: (observations: RunObservations) => RunObservations = (same) => same): Promise<string> {
    const job = await this.queue.claim(this.runnerId);
    if (job === null) throw new Error('There is no run to take.');
    const probes = [{ name: 'web answers', ok: true, detail: '', durationMs: 1 }];
    const observations: RunObservations = {
      driver: 'sandbox',
      fidelity: 'full',
      capabilities: ['packages', 'services', 'reboot'],
      goldenDigest: job.goldenDigest,
      plan: job.plan,
      tested: job.artefacts,
      steps: job.plan.steps.map((step) => ({
        step,
        startedAt: this.now.toISOString(),
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
    await this.queue.heartbeat(this.runnerId, job.runId, job.attempt);
    await this.queue.report(this.runnerId, job.runId, {
      attempt: job.attempt,
      observations: change(observations),
      evidence: [],
    });
    return job.runId;
  }

  ring(ring: number): DeviceContext[] {
    return this.devices.filter((device) => device.ring === ring);
  }

  /** Names and versions that a device is offered now. */
  async offeredTo(device: DeviceContext): Promise<string[]> {
    const manifest = await this.manifests.of(device);
    if (manifest === null) return [];
    const { entries } = JSON.parse(Buffer.from(manifest.envelope.payload, 'base64').toString()) as {
      entries: { patch: string; version: string }[];
    };
    return entries.map((entry) => `${entry.patch} ${entry.version}`);
  }

  async revision(name: string, version: string): Promise<string> {
    const [row] = await this.database.platform.read<{ id: string }>(
      shared,
      `select r.id from catalog_revision r join catalog_patch p on p.id = r.patch_id where p.external_id = $1 and r.version = $2
        order by r.state = 'offered' desc limit 1`,
      [name, version],
    );
    return row?.id ?? '';
  }

  async report(
    device: DeviceContext,
    revisionId: string,
    result: 'installed' | 'failed' | 'refused',
    healthy = true,
  ): Promise<void> {
    await this.outcomes.record(device, {
      revisionId,
      channelVersion: 1,
      result,
      healthy,
      probes: [],
      detail: healthy ? '' : 'web is down',
      installed: [],
    });
  }

  private async seed(): Promise<void> {
    await this.database.platform.transaction(shared, async (tx) => {
      await registerMsp(tx, { id: idOf('shop', 'msp'), name: 'msp' });
      await registerPolicy(
        tx,
        { id: this.policyId, mspId: idOf('shop', 'msp'), name: 'policy', rules: RULES },
        this.now,
      );
      for (const tenant of this.tenants) {
        await registerTenant(tx, { id: tenant.id, mspId: idOf('shop', 'msp'), name: tenant.name });
        await adoptPolicy(tx, tenant.id, this.policyId, this.now);
      }
      await tx.query(
        `insert into catalog_source (id, stream, title, kind, definition, state) values ($1, $2, 'Security', 'debian', '{}', 'ok')`,
        [SOURCE, STREAM],
      );
      await declareProfiles(tx, [{ digest: profileDigest(PROFILE), profile: PROFILE }]);
    });
    for (const tenant of this.tenants) {
      for (const ring of [0, 1]) {
        const deviceId = idOf('shop', tenant.name, String(ring));
        await this.database.app.transaction(forTenants(tenant.id), (tx) =>
          tx.query(
            `insert into fleet_device (tenant_id, id, name, ring, public_key_pem, enrolled_at) values ($1, $2, $3, $4, 'pem', $5)`,
            [tenant.id, deviceId, `${tenant.name}${ring}`, ring, this.now],
          ),
        );
        this.devices.push({ tenantId: tenant.id, deviceId, ring, correlationId: 'test' });
      }
    }
    this.runnerId = await this.hello('lab');
    await this.labHas('f'.repeat(64));
  }

  /** One more lab-runner, which has a golden of the same profile. @returns its id */
  async anotherLab(name: string, digest: string): Promise<string> {
    const runnerId = await this.hello(name);
    await this.labHas(digest, runnerId);
    return runnerId;
  }

  private async hello(name: string): Promise<string> {
    const capabilities: Capability[] = ['packages', 'services', 'reboot'];
    const drivers = [{ name: 'sandbox', fidelity: 'full' as const, capabilities }];
    return (await this.registry.welcome(name, { name, drivers }, 'test')).runnerId;
  }

  /** The lab reports its golden: built under this digest, or being built when there is none. */
  async labHas(digest: string | null, runnerId = this.runnerId): Promise<void> {
    await this.registry.reportGolden(
      runnerId,
      {
        profileDigest: profileDigest(PROFILE),
        ...(digest === null
          ? { state: 'building', components: [], services: [] }
          : {
              state: 'ready',
              digest,
              components: [component('web', '1'), component('lib', '1')],
              services: ['web.service'],
            }),
        buildMilliseconds: 1,
      },
      'test',
    );
  }
}
