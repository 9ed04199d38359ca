import type { Overview, PatchView, RunDetail } from '@vouch/contracts';

const at = '2026-01-10T12:00:00.000Z';
const sha256 = 'a'.repeat(64);
const id = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
const EUR = (amountMinor: number) => ({ amountMinor, currency: 'EUR' });

const steps = (states: ('waiting' | 'running' | 'ok' | 'red')[]): NonNullable<PatchView['run']>['steps'] =>
  (['restore', 'baseline', 'apply', 'probe-after-apply', 'reboot', 'probe-after-reboot', 'collect'] as const).map(
    (step, i) => ({
      step,
      state: states[i] ?? 'waiting',
      startedAt: at,
      durationMs: states[i] === 'ok' || states[i] === 'red' ? 1200 : null,
      detail: states[i] === 'red' ? 'nginx.service is not active' : '',
      probes:
        step.startsWith('probe') && states[i] === 'ok'
          ? [{ name: 'web site answers', ok: true, detail: '200', durationMs: 3 }]
          : [],
    }),
  );

const patch = (changes: Partial<PatchView>): PatchView => ({
  revisionId: id(1),
  patch: 'nginx',
  version: '1.2-3',
  sourceId: 's',
  stage: 'testing',
  reason: 'It is being tested in the lab now.',
  devicesNeeding: 2,
  devicesInstalled: 0,
  tenantsNeeding: 2,
  run: {
    id: id(50),
    state: 'running',
    attempt: 1,
    driver: null,
    profile: 'Web server',
    goldenDigest: sha256,
    queuedAt: at,
    startedAt: at,
    finishedAt: null,
    steps: steps(['ok', 'ok', 'running']),
  },
  verdict: null,
  coverage: null,
  rings: [],
  cost: null,
  ...changes,
});

const base: Overview = {
  at,
  member: { name: 'Technician', email: 't@example.org', role: 'technician', actions: ['member:read'] },
  msp: 'Consultancy',
  billingIsStandIn: true,
  problems: [],
  sources: [{ id: 's', title: 'Debian security', state: 'ok', reason: '', lastVerifiedAt: at, validUntil: null }],
  runners: [],
  goldens: [{ profile: 'Web server', state: 'ready', reason: '', packages: 170 }],
  patches: [],
  tenants: [],
};

const HOSTILE = '<img src=x onerror="document.title=\'owned\'">';
const device = (n: number, name: string, state: 'needed' | 'installed', reason: string) => ({
  id: id(20 + n),
  name,
  ring: n % 2,
  lastSeenAt: at,
  cohort: 'c',
  patches: [{ revisionId: id(1), state, reason, installedVersion: '1' }],
});
const verdict = (result: 'pass' | 'fail', sentence: string, reasons: string[]): PatchView['verdict'] => ({
  result,
  sentence,
  reasons,
  covered: ['web site answers'],
  notCovered: ['the kernel and its drivers'],
  reversible: true,
  cautions: [],
  id: 'c2d4e6f8-1a2b-4c3d-8e5f-6a7b8c9d0e1f',
  statementSha256: sha256,
  keyId: 'b'.repeat(64),
  issuedAt: at,
  expiresAt: at,
});

const states = {
  empty: { ...base, sources: [], problems: ['No lab-runner has come yet, so nothing can be tested.'] },
  unreachable: {
    ...base,
    sources: [{ ...base.sources[0]!, state: 'unreachable' as const, reason: 'The mirror cannot be reached.' }],
    problems: ['Debian security: The mirror cannot be reached (no answer in time). It is tried again by itself.'],
  },
  testing: {
    ...base,
    patches: [patch({})],
    tenants: [
      {
        id: id(10),
        name: 'Bakery',
        devices: [device(0, HOSTILE, 'needed', 'It is being tested in the lab now.')],
        statements: [],
      },
    ],
  },
  done: {
    ...base,
    patches: [
      patch({
        stage: 'installed',
        reason: 'It passed.',
        devicesInstalled: 2,
        devicesNeeding: 0,
        run: { ...patch({}).run!, state: 'judged', steps: steps(['ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok']) },
        verdict: verdict('pass', 'Everything that worked before works afterwards.', []),
        coverage: { score: 0.95, notCovered: ['3 packages of the machines not installed in the lab.'] },
        rings: [
          { ring: 0, state: 'healthy', installed: 1, total: 1, reason: '1 machine well with it.' },
          { ring: 1, state: 'healthy', installed: 1, total: 1, reason: '1 machine well with it.' },
        ],
        cost: {
          labSeconds: 10.5,
          total: EUR(28),
          shares: [
            { tenantId: id(10), tenant: 'Bakery', share: EUR(14) },
            { tenantId: id(11), tenant: 'Joinery', share: EUR(14) },
          ],
        },
      }),
    ],
    tenants: [
      {
        id: id(10),
        name: 'Bakery',
        devices: [device(0, 'till', 'installed', 'Installed; its services are well.')],
        statements: [
          {
            id: id(30),
            period: 'p',
            state: 'invoiced',
            total: EUR(14),
            invoiceId: 'in_1',
            invoiceUrl: 'http://127.0.0.1/invoice/in_1',
          },
        ],
      },
      {
        id: id(11),
        name: 'Joinery',
        devices: [device(1, 'office', 'installed', 'Installed; its services are well.')],
        statements: [],
      },
    ],
  },
  failed: {
    ...base,
    patches: [
      patch({
        stage: 'failed',
        reason: 'After this update the web server did not start any more.',
        run: { ...patch({}).run!, state: 'judged', steps: steps(['ok', 'ok', 'ok', 'red']) },
        verdict: verdict('fail', 'After this update the web server did not start any more.', [
          'nginx.service runs: no longer so',
        ]),
      }),
    ],
    tenants: [
      {
        id: id(10),
        name: 'Bakery',
        devices: [device(0, 'till', 'needed', 'After this update the web server did not start any more.')],
        statements: [],
      },
    ],
  },
} satisfies Record<string, Overview>;

const [done] = states.done.patches;
const [bakery] = states.done.tenants;

/** States of the console, as the API would tell them. */
export const overviews = {
  ...states,
  owner: {
    ...states.done,
    member: { name: 'Owner', email: 'o@example.org', role: 'tenant-owner', actions: ['portal:open', 'member:read'] },
    patches: [{ ...done!, cost: { ...done!.cost!, shares: done!.cost!.shares.slice(0, 1) } }],
    tenants: [bakery!],
  },
} satisfies Record<string, Overview>;

export const runDetail: RunDetail = {
  run: overviews.done.patches[0]!.run!,
  patch: 'nginx',
  version: '1.2-3',
  artefacts: [{ package: 'nginx', version: '1.2-3', fileName: 'pool/nginx_1.2-3_amd64.deb', sizeBytes: 1, sha256 }],
  packageDiff: [{ package: 'nginx', from: '1.2-2', to: '1.2-3' }],
  fileDiff: [{ path: '/usr/sbin/nginx', change: 'added-or-changed', kind: 'f' }],
  evidence: [{ name: 'apply.log', mediaType: 'text/plain', sizeBytes: 10, sha256 }],
  verdict: overviews.done.patches[0]!.verdict,
  envelope: null,
};
