import { audit, idOf, publish, type Tx } from '@vouch/platform';

export interface ChannelKey {
  readonly policyId: string;
  readonly cohortId: string;
  readonly ring: number;
}

export const channelId = ({ policyId, cohortId, ring }: ChannelKey): string =>
  idOf('channel', policyId, cohortId, String(ring));

export interface NewApproval {
  readonly revisionId: string;
  readonly verdictId: string;
  /** What it rests on when the verdict alone would not do. */
  readonly waiverId: string | null;
  readonly coverage: unknown;
  readonly notBefore: Date;
  readonly expiresAt: Date;
  readonly approvedAt: Date;
  readonly why: string;
  readonly correlationId: string;
}

/**
 * Approves a revision in a channel. The channel's version comes from its own row's lock, in the transaction that adds
 * the approval, so that whoever sees version v sees every approval up to v. Approving twice changes nothing;
 * what was held is offered again, and what rests on an older verdict from now on on this one.
 */
export async function approveInChannel(tx: Tx, key: ChannelKey, approval: NewApproval): Promise<void> {
  const id = channelId(key);
  await tx.query(
    `insert into approval_channel (id, policy_id, cohort_id, ring) values ($1, $2, $3, $4) on conflict do nothing`,
    [id, key.policyId, key.cohortId, key.ring],
  );
  const [channel] = await tx.query<{ version: number }>(
    'select version from approval_channel where id = $1 for update',
    [id],
  );
  const version = (channel?.version ?? 0) + 1;
  const made = await tx.query(
    `insert into approval_approval (id, channel_id, revision_id, verdict_id, coverage, not_before, expires_at, channel_version, approved_at, waiver_id)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
     on conflict (channel_id, revision_id) do update set state = 'active', reason = '', verdict_id = excluded.verdict_id,
       coverage = excluded.coverage, not_before = case approval_approval.state when 'active' then approval_approval.not_before else excluded.not_before end,
       expires_at = excluded.expires_at,
       channel_version = excluded.channel_version, approved_at = excluded.approved_at, waiver_id = excluded.waiver_id
      where approval_approval.state = 'held'
         or (approval_approval.state = 'active' and approval_approval.verdict_id <> excluded.verdict_id) returning id`,
    [
      idOf('approval', id, approval.revisionId),
      id,
      approval.revisionId,
      approval.verdictId,
      JSON.stringify(approval.coverage),
      approval.notBefore,
      approval.expiresAt,
      version,
      approval.approvedAt,
      approval.waiverId,
    ],
  );
  if (made.length === 0) return;
  await tx.query('update approval_channel set version = $2 where id = $1', [id, version]);
  audit(tx, {
    tenantId: null,
    at: approval.approvedAt,
    actor: 'platform',
    action: 'channel.approve',
    subject: `channel:${id}`,
    why: approval.why,
    detail: {
      revisionId: approval.revisionId,
      verdictId: approval.verdictId,
      waiverId: approval.waiverId,
      ring: key.ring,
      version,
    },
  });
  await publish(tx, {
    topic: 'approval.channel-changed',
    payload: { channelId: id },
    correlationId: approval.correlationId,
  });
}

/** Stops offering a revision in every channel of a policy and cohort. */
export async function holdEverywhere(
  tx: Tx,
  key: Omit<ChannelKey, 'ring'>,
  revisionId: string,
  hold: { readonly reason: string; readonly at: Date; readonly correlationId: string },
): Promise<void> {
  const channels = await tx.query<{ id: string; version: number }>(
    `select c.id, c.version from approval_channel c
      where c.policy_id = $1 and c.cohort_id = $2
        and exists (select 1 from approval_approval a where a.channel_id = c.id and a.revision_id = $3 and a.state = 'active')
      order by c.id for update`,
    [key.policyId, key.cohortId, revisionId],
  );
  for (const channel of channels) {
    await tx.query(
      `update approval_approval set state = 'held', reason = $3, channel_version = $4 where channel_id = $1 and revision_id = $2`,
      [channel.id, revisionId, hold.reason, channel.version + 1],
    );
    await tx.query('update approval_channel set version = $2 where id = $1', [channel.id, channel.version + 1]);
    audit(tx, {
      tenantId: null,
      at: hold.at,
      actor: 'platform',
      action: 'channel.hold',
      subject: `channel:${channel.id}`,
      why: hold.reason,
      detail: { revisionId, version: channel.version + 1 },
    });
    await publish(tx, {
      topic: 'approval.channel-changed',
      payload: { channelId: channel.id },
      correlationId: hold.correlationId,
    });
  }
}
