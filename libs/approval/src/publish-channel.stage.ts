import { MANIFEST_PAYLOAD_TYPE, type Artefact, type ManifestEntry } from '@vouch/contracts';
import { seal, type Signer } from '@vouch/evidence';
import { audit, publish, sha256Hex, shared, type Clock, type Database, type Stage, type Tx } from '@vouch/platform';
import type { ApprovedPackage, AptPublisher } from './apt-publisher.port.js';
import { buildManifest } from './domain/manifest.js';

interface ChannelRow {
  id: string;
  ring: number;
  version: number;
  stream: string;
}

interface ApprovalRow {
  id: string;
  revision_id: string;
  patch: string;
  version: string;
  not_before: Date;
  expires_at: Date;
  coverage: ManifestEntry['coverage'];
  not_covered: string[];
  statement_sha256: string;
  sentence: string;
  verdict_expires_at: Date;
  run_id: string;
  waiver: { why: string; until: string } | null;
}

const COMPONENT = 'main';

/** Signs and publishes what a channel offers: the manifest and the apt repository. Key: the channel's id. */
export class PublishChannelStage implements Stage {
  readonly name = 'channel';
  readonly concurrency = 1;
  readonly wakes = {
    'approval.channel-changed': (payload: Readonly<Record<string, unknown>>) => String(payload['channelId']),
  } as const;

  constructor(
    private readonly database: Database,
    private readonly apt: AptPublisher,
    private readonly signer: Signer,
    private readonly clock: Clock,
    /** How long a manifest holds; it is renewed at half that time. */
    private readonly validForSeconds: number,
  ) {}

  async pending(): Promise<string[]> {
    const renewAt = new Date(this.clock().getTime() + (this.validForSeconds / 2) * 1000);
    const rows = await this.database.read<{ id: string }>(
      shared,
      'select id from approval_channel where version > published_version or (published_version > 0 and published_until < $1)',
      [renewAt],
    );
    return rows.map((row) => row.id);
  }

  async process(channelId: string, correlationId: string): Promise<void> {
    const facts = await this.database.transaction(shared, (tx) => factsOf(tx, channelId, this.clock()));
    if (!facts || facts.channel.version === 0) return;
    const { channel, approvals, packages } = facts;
    const issuedAt = this.clock();
    const suite = `ring-${channel.ring}`;
    const { inReleaseSha256 } = await this.apt.publish({
      channelId,
      suite,
      component: COMPONENT,
      architecture: channel.stream.split('-').at(-1) ?? '',
      packages: approvals.flatMap((approval) => packages.get(approval.run_id) ?? []),
      date: issuedAt,
      validUntil: new Date(issuedAt.getTime() + this.validForSeconds * 1000),
    });
    const { manifest, bytes } = buildManifest({
      channelId,
      stream: channel.stream,
      ring: channel.ring,
      version: channel.version,
      issuedAt,
      validForSeconds: this.validForSeconds,
      apt: { suite, component: COMPONENT, inReleaseSha256 },
      entries: approvals.map((approval) => entryOf(approval, packages.get(approval.run_id) ?? [])),
    });
    const envelope = await seal(MANIFEST_PAYLOAD_TYPE, bytes, this.signer);
    await this.database.transaction(shared, async (tx) => {
      const published = await tx.query(
        `update approval_channel set published_version = $2, published_until = $3, envelope = $4, envelope_sha256 = $5
          where id = $1 and published_version <= $2 returning id`,
        [channelId, channel.version, manifest.expires, JSON.stringify(envelope), sha256Hex(JSON.stringify(envelope))],
      );
      if (published.length === 0) return;
      audit(tx, {
        tenantId: null,
        at: issuedAt,
        actor: 'platform',
        action: 'channel.publish',
        subject: `channel:${channelId}`,
        why: `Version ${channel.version}`,
        detail: {
          version: channel.version,
          manifestSha256: sha256Hex(bytes),
          keyId: this.signer.keyId,
          inReleaseSha256,
        },
      });
      await publish(tx, { topic: 'approval.channel-published', payload: { channelId }, correlationId });
    });
  }
}

function entryOf(approval: ApprovalRow, packages: readonly ApprovedPackage[]): ManifestEntry {
  return {
    revisionId: approval.revision_id,
    approvalId: approval.id,
    patch: approval.patch,
    version: approval.version,
    notBefore: approval.not_before.toISOString(),
    expires: approval.expires_at.toISOString(),
    artefacts: packages.map(({ stanza: _, ...artefact }): Artefact => artefact),
    verdict: {
      statementSha256: approval.statement_sha256,
      sentence: approval.sentence,
      expires: approval.verdict_expires_at.toISOString(),
    },
    ...(approval.waiver === null
      ? {}
      : { waiver: { why: approval.waiver.why, until: new Date(approval.waiver.until).toISOString() } }),
    coverage: {
      score: approval.coverage.score,
      notCovered: [...approval.coverage.notCovered, ...approval.not_covered],
    },
  };
}

async function factsOf(
  tx: Tx,
  channelId: string,
  now: Date,
): Promise<{ channel: ChannelRow; approvals: ApprovalRow[]; packages: Map<string, ApprovedPackage[]> } | null> {
  const [channel] = await tx.query<ChannelRow>(
    `select c.id, c.ring, c.version, k.stream from approval_channel c join planning_cohort k on k.id = c.cohort_id where c.id = $1`,
    [channelId],
  );
  if (!channel) return null;
  const approvals = await tx.query<ApprovalRow>(
    `select a.id, a.revision_id, p.external_id as patch, r.version, a.not_before, a.expires_at, a.coverage,
            v.not_covered, v.statement_sha256, v.sentence, v.expires_at as verdict_expires_at, v.run_id,
            case when w.id is not null then json_build_object('why', w.why, 'until', w.until) end as waiver
       from approval_approval a
       join lab_verdict v on v.id = a.verdict_id
       left join approval_order w on w.id = a.waiver_id and w.kind = 'waiver' and w.verdict_id = v.id and w.ended_at is null
             and w.until > $2
       join catalog_revision r on r.id = a.revision_id and r.state = 'offered'
       join catalog_patch p on p.id = r.patch_id
      where a.channel_id = $1 and a.state = 'active'
        -- I1: a pass, or an order of a person that holds; a pass that needed one too is nothing without it.
        and (case when a.waiver_id is null then v.result = 'pass' else w.id is not null end)`,
    [channelId, now],
  );
  // Only the files that the verdict's own run tested, each under the digest that was tested.
  const rows = await tx.query<ApprovedPackage & { runId: string }>(
    `select t.run_id as "runId", t.package, t.version, t.architecture, t.file_name as "fileName",
            t.size_bytes as "sizeBytes", t.sha256, c.stanza
       from lab_test_run_artefact t
       join lab_test_run r on r.id = t.run_id
       join catalog_artefact c on c.revision_id = r.revision_id and c.package = t.package
            and c.architecture = t.architecture and c.sha256 = t.sha256
      where t.run_id = any ($1::uuid[]) order by t.package`,
    [approvals.map((approval) => approval.run_id)],
  );
  const packages = new Map<string, ApprovedPackage[]>();
  for (const { runId, ...file } of rows) packages.set(runId, [...(packages.get(runId) ?? []), file]);
  return { channel, approvals, packages };
}
