import { generateKeyPairSync } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import canonicalize from 'canonicalize';
import type { AuditCheckpoint, AuditLink, AuditPage, DsseEnvelope } from '@vouch/contracts';
import {
  auditKeyGiven,
  openCheckpoint,
  openFileSigner,
  openHeads,
  SignAuditHeadsStage,
  verifyAuditExport,
  type AuditKey,
  type Signer,
} from '@vouch/evidence';
import { audit, checkAudit, idOf, linkHash, sha256Hex, shared } from '@vouch/platform';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { organisation, TestApi } from './api.js';

const [north, south] = organisation;
const [one, two] = north?.tenants ?? [];
const [third] = south?.tenants ?? [];
if (!north || !south || !one || !two || !third) throw new Error('The organisation of the tests is not whole.');

let api: TestApi;
let owner: pg.Client;
let signer: Signer;
let kept: DsseEnvelope[];
let stage: SignAuditHeadsStage;
let now = new Date('2026-03-01T00:00:00Z');

const write = (tenantId: string | null, why: string) =>
  api.database.platform.transaction(shared, async (tx) => {
    const at = new Date('2026-03-01T00:00:00Z');
    const before = { ring: 1 };
    audit(tx, {
      tenantId,
      at,
      actor: 'platform',
      action: 'test.write',
      subject: 'thing:1',
      why,
      before,
      after: { ring: 2 },
    });
  });
const sign = async (): Promise<void> => {
  now = new Date(now.getTime() + 61_000);
  for (const chain of await stage.pending()) await stage.process(chain);
};
const own = (): AuditKey[] => [auditKeyGiven(signer.publicKeyPem)];
const checkpoints = (): AuditCheckpoint[] => kept.map((envelope) => openCheckpoint(envelope, [signer.publicKeyPem]));
const check = () => api.database.platform.transaction(shared, (tx) => checkAudit(tx, checkpoints()));
const exported = async (email: string): Promise<string[]> => {
  const response = await api.get('/api/v1/audit/export', { cookie: await api.signIn(email) });
  expect(response.headers.get('content-type')).toContain('application/x-ndjson');
  return (await response.text()).split('\n').filter((line) => line !== '');
};

beforeAll(async () => {
  api = await TestApi.start();
  owner = new pg.Client({ connectionString: api.database.ownerUrl });
  await owner.connect();
  await owner.query(`set session_replication_role = 'replica'`);
  signer = await openFileSigner(path.join(api.dataDir, 'keys/audit.pem'));
  kept = [];
  stage = new SignAuditHeadsStage(
    api.database.platform,
    signer,
    [auditKeyGiven(signer.publicKeyPem)],
    () => now,
    60,
    async (envelope) => void kept.push(envelope),
  );
  for (const tenant of [null, one.id, two.id, third.id, one.id, null, one.id, third.id, one.id])
    await write(tenant, `of ${tenant ?? 'nobody'}`);
  await sign();
});
afterAll(async () => {
  await owner.end();
  await api.stop();
});

describe('the audit trail', () => {
  it('is whole, and signed to its ends', async () => {
    // The first entry is that of the lab-runner's credential.
    expect(await check()).toEqual({ broken: null, entries: 10, signedUpTo: 10 });
    expect(checkpoints().map(({ chain, seq }) => [chain, seq])).toEqual(
      expect.arrayContaining([
        ['installation', 10],
        [one.id, 4],
        [two.id, 1],
        [third.id, 2],
      ]),
    );
    expect(await stage.pending()).toEqual([]);
  });

  it('keeps the hashes of entries that were written before tenants had chains', () => {
    const content = {
      tenantId: one.id,
      at: '2026-01-01T00:00:00.000Z',
      actor: 'platform',
      action: 'a',
      subject: 's',
      why: 'w',
      detail: { n: 1 },
    };
    const place = { seq: 1, previousHash: '0'.repeat(64) };
    const before = sha256Hex(canonicalize({ ...content, ...place }) ?? '');
    const link: AuditLink = {
      kind: 'entry',
      chain: 'installation',
      format: 1,
      ...place,
      hash: before,
      tenantSeq: null,
      tenantHash: null,
      content: { ...content, mspId: null, from: '', userAgent: '' },
    };
    expect(linkHash(link)).toBe(before);
    // What that format did not know is not free to be filled in.
    for (const more of [{ mspId: north.id }, { from: '192.0.2.1' }, { userAgent: 'curl' }])
      expect(linkHash({ ...link, content: { ...link.content, ...more } })).not.toBe(before);
  });

  it('takes appends of many at once without a fork in any chain', async () => {
    await Promise.all(
      Array.from({ length: 12 }, (_, index) => write([null, one.id, two.id][index % 3] ?? null, 'at once')),
    );
    expect((await check()).broken).toBeNull();
    await sign();
    expect((await check()).broken).toBeNull();
  });

  it('says where a change came from, and what was before and after', async () => {
    await api.enrolmentToken(one.id, north.technician);
    const page = (await (
      await api.get('/api/v1/audit?action=enrolment-token.create', { cookie: await api.signIn(one.owner) })
    ).json()) as AuditPage;
    expect(page.items[0]).toMatchObject({ actor: `member:${idOf(north.technician)}`, from: '127.0.0.1' });
    const written = (await (
      await api.get('/api/v1/audit?action=test.write&limit=1', { cookie: await api.signIn(one.owner) })
    ).json()) as AuditPage;
    expect(written.items[0]?.detail).toEqual({ before: { ring: 1 }, after: { ring: 2 } });
  });

  it('has an append-only table that no role of ours may change, nor its owner by mistake', async () => {
    const { rows } = await owner.query(
      `select grantee, privilege_type from information_schema.role_table_grants
        where table_name = any ($1) and privilege_type in ('UPDATE', 'DELETE', 'TRUNCATE') and grantee like 'vouch\\_%' and grantee <> current_user`,
      [['platform_audit', 'platform_audit_checkpoint', 'platform_job_record']],
    );
    expect(rows).toEqual([]);
    const plain = new pg.Client({ connectionString: api.database.ownerUrl });
    await plain.connect();
    for (const statement of [
      `update platform_audit set why = ''`,
      'delete from platform_audit',
      'truncate platform_audit',
      'delete from platform_audit_checkpoint',
      'delete from platform_job_record',
    ])
      await expect(plain.query(statement), statement).rejects.toThrow('append-only');
    await plain.end();
  });
});

describe('a look at the chain', () => {
  it('takes what is appended while it walks for no gap', async () => {
    const broken = await api.database.platform.transaction(shared, async (tx) => {
      let appended = false;
      const meanwhile = new Proxy(tx, {
        get: (target, name) =>
          name !== 'query'
            ? (Reflect.get(target, name) as unknown)
            : async (sql: string, values?: unknown[]) => {
                const rows = await target.query(sql, values);
                if (!appended && sql.includes('from platform_audit where seq >')) {
                  appended = true;
                  await write(one.id, 'meanwhile');
                }
                return rows;
              },
      });
      const result = await checkAudit(meanwhile, checkpoints());
      expect(appended).toBe(true);
      return result.broken;
    });
    expect(broken).toBeNull();
    expect((await check()).broken).toBeNull();
  });
});

describe('an owner of the database who', () => {
  /** Does something to the table, looks, and puts everything back. */
  async function after(change: string, ...values: unknown[]): Promise<Awaited<ReturnType<typeof check>>['broken']> {
    await owner.query('create temporary table kept as select * from platform_audit');
    await owner.query('create temporary table kept_head as select * from platform_audit_head');
    try {
      await owner.query(change, values);
      return (await check()).broken;
    } finally {
      await owner.query(`delete from platform_audit; insert into platform_audit select * from kept; drop table kept;
        delete from platform_audit_head; insert into platform_audit_head select * from kept_head; drop table kept_head`);
    }
  }

  it.each([
    ['changes an entry', `update platform_audit set why = 'nothing' where seq = 3`, 3],
    ['changes where it came from', `update platform_audit set from_address = '192.0.2.1' where seq = 4`, 4],
    ['gives an entry to another tenant', `update platform_audit set tenant_id = gen_random_uuid() where seq = 4`, 4],
    ['removes an entry', 'delete from platform_audit where seq = 4', 4],
    [
      'removes it and closes the gap',
      `delete from platform_audit where seq = 4; update platform_audit set seq = seq + 999 where seq > 4;
       update platform_audit set seq = seq - 1000 where seq > 1000`,
      4,
    ],
    ['cuts the end off', 'delete from platform_audit where seq > 7', 8],
    [
      'swaps two entries',
      `update platform_audit set seq = case seq when 2 then 3 else 2 end + 1000 where seq in (2, 3);
                           update platform_audit set seq = seq - 1000 where seq > 1000`,
      2,
    ],
    [
      'inserts an entry',
      `update platform_audit set seq = seq + 1001 where seq >= 5;
       update platform_audit set seq = seq - 1000 where seq > 1000;
       insert into platform_audit (seq, tenant_id, at, actor, action, subject, why, detail, previous_hash, hash)
       select 5, null, at, actor, action, subject, why, detail, hash, repeat('a', 64) from platform_audit where seq = 4`,
      5,
    ],
  ])('%s is noticed', async (_what, change, seq) => {
    expect((await after(change))?.seq).toBe(seq);
    expect((await check()).broken).toBeNull();
  });

  it('cuts the end off and sets the head back is noticed by the signed checkpoint', async () => {
    const broken = await after(`delete from platform_audit where seq > 7;
      update platform_audit_head set (seq, hash) = (select seq, hash from platform_audit where seq = 7)`);
    expect(broken).toMatchObject({ seq: 8, chain: 'installation' });
    expect(broken?.problem).toContain('signed checkpoint');
  });

  it('writes the whole chain anew, with right hashes, is noticed; and nothing more is signed', async () => {
    const { rows } = await owner.query<{ seq: number }>('select seq::int from platform_audit order by seq');
    await owner.query('create temporary table whole as select * from platform_audit');
    await owner.query('create temporary table whole_head as select * from platform_audit_head');
    await owner.query(`delete from platform_audit; update platform_audit_head set seq = 0, hash = repeat('0', 64)`);
    for (const { seq } of rows) await write(seq === 1 ? two.id : null, 'a nicer past');
    await write(null, 'and one more');
    const broken = (await check()).broken;
    await expect(sign()).rejects.toThrow('No checkpoint is signed');
    await owner.query(`delete from platform_audit; insert into platform_audit select * from whole; drop table whole;
      delete from platform_audit_head; insert into platform_audit_head select * from whole_head; drop table whole_head`);
    expect(broken?.problem).toContain('rewritten');
    expect((await check()).broken).toBeNull();
  });
});

describe('an exported trail', () => {
  let lines: string[];
  const verify = (changed: string[], keys = [signer.publicKeyPem]) =>
    verifyAuditExport(changed, keys.map(auditKeyGiven)).broken;
  beforeEach(async () => {
    await sign();
    lines = await exported(one.owner);
  });

  it("holds one's own entries only, and proves itself without a database", () => {
    expect(verifyAuditExport(lines, own())).toMatchObject({ broken: null, unproven: 0 });
    expect(lines.length).toBeGreaterThan(5);
    for (const other of [two.id, third.id, 'installation']) expect(lines.join('\n')).not.toContain(other);
  });

  it('of an MSP holds a chain for each of its tenants, and its own', async () => {
    const { broken, chains } = verifyAuditExport(await exported(north.technician), own());
    expect(broken).toBeNull();
    expect(chains.map(({ chain }) => chain).sort()).toEqual([north.id, one.id, two.id].sort());
    expect(chains.find(({ chain }) => chain === north.id)?.entries).toBeGreaterThan(0);
  });

  it('is broken when a line is changed, removed, doubled, moved or cut off, and says which entry', () => {
    const entries = lines.filter((line) => line.includes('"kind":"entry"'));
    const rest = lines.filter((line) => !line.includes('"kind":"entry"'));
    const [a = '', b = '', c = '', ...more] = entries;
    expect(verify([a, b.replace('test.write', 'test.wrote'), c, ...more, ...rest])).toMatchObject({ seq: 2 });
    expect(verify([a, c, ...more, ...rest])).toMatchObject({ seq: 2 });
    expect(verify([a, b, b, c, ...more, ...rest])).toMatchObject({ seq: 3 });
    expect(verify([b, a, c, ...more, ...rest])).toMatchObject({ seq: 1 });
    expect(verify([a, b, ...rest])).toMatchObject({ seq: 3 });
    expect(verify([...rest])).toMatchObject({ seq: 1 });
  });

  it('is broken when it was written anew and signed with another key', () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const other = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    expect(verify(lines, [other])?.problem).toContain('trusted key');
  });

  it('without its checkpoints is broken for who kept one', () => {
    const bare = lines.filter((line) => line.includes('"kind":"entry"')).slice(0, 2);
    expect(verifyAuditExport(bare, own()).broken).toBeNull();
    const older = kept.filter((envelope) => openCheckpoint(envelope, [signer.publicKeyPem]).chain === one.id);
    expect(verifyAuditExport(bare, own(), older).broken).toMatchObject({ seq: 3 });
  });

  it('is checked from the command line, with the first broken entry named', () => {
    const file = path.join(api.dataDir, 'audit.ndjson');
    const key = path.join(api.dataDir, 'audit.pem');
    fs.writeFileSync(key, signer.publicKeyPem);
    const stranger = path.join(api.dataDir, 'stranger.pem');
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    fs.writeFileSync(stranger, publicKey.export({ type: 'spki', format: 'pem' }));
    const run = (text: string[], ...keys: string[]) => {
      fs.writeFileSync(file, text.join('\n'));
      return spawnSync(process.execPath, ['infra/local/audit.mjs', 'verify', file, ...keys], { encoding: 'utf8' });
    };
    expect(run(lines, '--key', stranger, '--key', key)).toMatchObject({ status: 0, stderr: '' });
    const trust = ['--trust', path.join(api.dataDir, 'public-keys/trust')];
    const bad = run(lines.slice(1), ...trust, '--key', key);
    expect(bad.status).toBe(1);
    expect(bad.stdout).toContain(`BROKEN: entry 1 of the chain ${one.id} is missing`);
    const unpinned = run(lines, ...trust, '--root', 'f'.repeat(64));
    expect(unpinned).toMatchObject({ status: 2, stdout: '' });
    expect(unpinned.stderr).toContain('not pinned');
    const environment = {
      ...process.env,
      VOUCH_DATABASE_PLATFORM_URL: api.database.platformUrl,
      VOUCH_DATA_DIR: api.dataDir,
    };
    const database = spawnSync(process.execPath, ['infra/local/audit.mjs', 'verify', '--key', key], {
      encoding: 'utf8',
      env: environment,
    });
    expect(database).toMatchObject({ status: 0, stderr: '' });
    expect(database.stdout).toContain('Whole:');
  });
});

describe('a revoked key', () => {
  /** What a signer with this key does when each key counts as said. */
  const stageOf = (by: Signer, keys: AuditKey[]): SignAuditHeadsStage =>
    new SignAuditHeadsStage(
      api.database.platform,
      by,
      keys,
      () => now,
      60,
      async () => undefined,
    );
  const signAllWith = async (by: Signer, keys: AuditKey[]): Promise<void> => {
    const again = stageOf(by, keys);
    for (const chain of await again.pending()) await again.process(chain);
  };

  it('does not stop the one after it, which signs the whole of every chain again; later heads of it are refused', async () => {
    await sign();
    const { rows: begun } = await owner.query<{ id: string }>('select max(id) as id from platform_audit_checkpoint');
    const next = await openFileSigner(path.join(api.dataDir, 'keys/audit-2.pem'));
    const revokedAt = new Date(now.getTime() + 1000);
    const old = { ...auditKeyGiven(signer.publicKeyPem), revokedAt };
    now = new Date(now.getTime() + 61_000);
    await write(one.id, 'before the worker was restarted');
    await signAllWith(signer, own());
    const late = await exported(one.owner);
    expect(verifyAuditExport(late, [old]).broken).toMatchObject({ chain: one.id });
    expect(verifyAuditExport(late, [old]).broken?.problem).toContain('had been revoked');

    const both = [old, { ...auditKeyGiven(next.publicKeyPem), from: revokedAt }];
    // Whoever could write into the table cannot stop the signing with what no key that counts signed.
    const forged = {
      payloadType: 'application/vnd.vouch.audit-checkpoint+json',
      payload: 'e30=',
      signatures: [{ keyid: next.keyId, sig: 'AA==' }],
    };
    await api.database.platform.transaction(shared, (tx) =>
      tx.query('insert into platform_audit_checkpoint (tenant_id, seq, at, envelope) values (null, 999999, $1, $2)', [
        now,
        JSON.stringify(forged),
      ]),
    );
    now = new Date(now.getTime() + 61_000);
    await signAllWith(next, both);
    await owner.query('delete from platform_audit_checkpoint where seq = 999999');
    expect(await stageOf(next, both).pending()).toEqual([]);

    const lines = await exported(one.owner);
    const report = verifyAuditExport(lines, both);
    expect(report).toMatchObject({ broken: null, weak: [] });
    expect(report.refused.map(({ claimed }) => claimed?.chain)).toEqual([one.id]);
    const { rows } = await owner.query<{ envelope: DsseEnvelope }>(
      'select envelope from platform_audit_checkpoint order by id',
    );
    const { heads } = openHeads(
      rows.map(({ envelope }) => envelope),
      both,
    );
    // What it signed in its time stays verifiable, and the new key stands for all of it.
    expect(heads.filter(({ keyRevokedLater }) => keyRevokedLater).length).toBeGreaterThan(3);
    const ends = heads.filter(({ keyRevokedLater }) => !keyRevokedLater).map(({ checkpoint }) => checkpoint.chain);
    expect(ends).toEqual(expect.arrayContaining(['installation', one.id, two.id, third.id]));
    await owner.query('delete from platform_audit_checkpoint where id > $1', [begun[0]?.id]);
  });
});
