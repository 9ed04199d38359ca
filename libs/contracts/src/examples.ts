/** What the protocols' messages look like: shown in the OpenAPI document, and checked against their schemas by a test. */
const uuid = {
  tenant: '0d8e1f52-7c3a-4b7e-9a51-2f6c8d1e4b90',
  device: '7a1c9b34-5d2e-4f60-8b17-c3e5d7f90a12',
  revision: '4e6f8a10-2b3c-4d5e-8f70-91a2b3c4d5e6',
  run: 'c2d4e6f8-1a2b-4c3d-8e5f-6a7b8c9d0e1f',
} as const;
const sha256 = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08';
const component = {
  package: 'nginx',
  version: '1.22.1-9',
  architecture: 'amd64',
  source: 'nginx',
  sourceVersion: '1.22.1-9',
};
const artefact = {
  package: 'nginx',
  version: '1.22.1-9+deb12u2',
  architecture: 'amd64',
  fileName: 'pool/updates/main/n/nginx/nginx_1.22.1-9+deb12u2_amd64.deb',
  sizeBytes: 527_340,
  sha256,
};
const plan = { name: 'debian-upgrade', steps: ['restore', 'baseline', 'apply', 'probe-after-apply'] };

export const deviceExamples = {
  enrol: {
    token: 've_0d8e1f527c3a4b7e9a512f6c8d1e4b90_q3xJk7vT0mZb9wYc2LrS5nUa8dGhEfPoIiKjMlNpQrA',
    name: 'bakery-shop',
    publicKeyPem: '-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE…\n-----END PUBLIC KEY-----\n',
  },
  enrolled: {
    deviceId: uuid.device,
    tenantId: uuid.tenant,
    trust: {
      payloadType: 'application/vnd.vouch.trust.v1+json',
      payload: 'eyJ2ZXJzaW9uIjoxfQ==',
      signatures: [{ keyid: sha256, sig: 'MEUCIQD3' }],
    },
    pollSeconds: 900,
  },
  fingerprint: {
    osRelease: { id: 'debian', versionId: '12', codename: 'bookworm' },
    architecture: 'amd64',
    kernel: '6.1.0-30-amd64',
    components: [component],
    services: ['nginx.service'],
  },
  outcome: {
    revisionId: uuid.revision,
    channelVersion: 3,
    result: 'installed',
    healthy: true,
    probes: [{ name: 'nginx.service runs', ok: true, detail: '' }],
    detail: '',
    installed: [{ package: 'nginx', version: artefact.version, sha256 }],
  },
  envelope: {
    payloadType: 'application/vnd.vouch.channel-manifest.v1+json',
    payload: 'eyJjaGFubmVsSWQiOiI2YzhlYWYyYiJ9',
    signatures: [{ keyid: sha256, sig: 'MEUCIQD3' }],
  },
} as const;

const step = {
  step: 'baseline',
  startedAt: '2026-01-06T06:01:03.000Z',
  durationMs: 1200,
  exitCode: 0,
  ok: true,
  detail: '',
  probes: [],
} as const;

export const labExamples = {
  hello: {
    name: 'lab-1',
    drivers: [{ name: 'sandbox', fidelity: 'full', capabilities: ['packages', 'services', 'reboot'] }],
  },
  claim: { drivers: ['sandbox'] },
  welcome: { runnerId: uuid.device, profiles: [] },
  golden: {
    profileDigest: sha256,
    state: 'ready',
    digest: sha256,
    components: [component],
    services: ['nginx.service'],
    buildMilliseconds: 41_000,
  },
  job: {
    runId: uuid.run,
    attempt: 1,
    leaseSeconds: 30,
    correlationId: '2f1c0a9e-8b7d-4c6e-9f5a-4b3c2d1e0f9a',
    patch: { revisionId: uuid.revision, source: 'debian-12-amd64-security', name: 'nginx', version: artefact.version },
    artefacts: [artefact],
    profileDigest: sha256,
    goldenDigest: sha256,
    plan,
  },
  progress: { attempt: 1, step: 'baseline', state: 'finished', observation: step },
  output: { attempt: 1, step: 'apply', text: 'Setting up nginx (1.22.1-9+deb12u3) ...\n' },
  report: {
    attempt: 1,
    observations: {
      driver: 'sandbox',
      fidelity: 'full',
      capabilities: ['packages', 'services', 'reboot'],
      goldenDigest: sha256,
      plan,
      tested: [artefact],
      steps: [step],
      packageDiff: [{ package: 'nginx', from: '1.22.1-9', to: artefact.version }],
      fileDiff: [],
      failure: null,
      labMilliseconds: 11_200,
    },
    evidence: [{ name: 'apply.log', mediaType: 'text/plain', sizeBytes: 2048, sha256 }],
  },
} as const;

const runView = {
  id: uuid.run,
  state: 'judged',
  attempt: 1,
  driver: 'sandbox',
  profile: 'Web server with database',
  goldenDigest: sha256,
  queuedAt: '2026-01-06T06:01:00.000Z',
  startedAt: '2026-01-06T06:01:02.000Z',
  finishedAt: '2026-01-06T06:01:13.000Z',
  steps: [
    { step: 'baseline', state: 'ok', startedAt: '2026-01-06T06:01:03.000Z', durationMs: 1200, detail: '', probes: [] },
  ],
} as const;

export const runDetailExample = {
  run: runView,
  patch: 'nginx',
  version: artefact.version,
  artefacts: [
    {
      package: artefact.package,
      version: artefact.version,
      fileName: artefact.fileName,
      sizeBytes: artefact.sizeBytes,
      sha256,
    },
  ],
  packageDiff: [{ package: 'nginx', from: '1.22.1-9', to: artefact.version }],
  fileDiff: [{ path: '/usr/sbin/nginx', change: 'added-or-changed', kind: 'file' }],
  evidence: [{ name: 'apply.log', mediaType: 'text/plain', sizeBytes: 2048, sha256 }],
  verdict: null,
  envelope: null,
} as const;

export const overviewExample = {
  at: '2026-01-06T07:00:00.000Z',
  member: { name: 'Kim', email: 'technician@consulting.example', role: 'technician', actions: ['overview:read'] },
  msp: 'Harbour IT',
  billingIsStandIn: true,
  problems: [],
  sources: [
    {
      id: 'debian-12-amd64-security',
      title: 'Debian 12 security',
      state: 'ok',
      reason: '',
      lastVerifiedAt: '2026-01-06T06:55:00.000Z',
      validUntil: '2026-01-13T06:55:00.000Z',
    },
  ],
  runners: [
    { name: 'lab-1', state: 'ready', reason: '', drivers: ['sandbox'], lastSeenAt: '2026-01-06T06:59:58.000Z' },
  ],
  goldens: [{ profile: 'Web server with database', state: 'ready', reason: '', packages: 214 }],
  patches: [],
  tenants: [{ id: uuid.tenant, name: 'Corner Bakery', devices: [], statements: [] }],
} as const;
