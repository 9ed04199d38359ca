import fs from 'node:fs/promises';
import path from 'node:path';
import { DsseEnvelope, type TrustDocument } from '@vouch/contracts';
import { followTrust, TrustRejected } from './domain/trust.js';

/** A trust document that follows from the one before, and the envelope that it came in. */
export interface TrustVersion {
  readonly document: TrustDocument;
  readonly envelope: DsseEnvelope;
}

/** The chain of trust documents, one file each, public: whoever believes one of them can follow to the newest. */
export class TrustStore {
  constructor(private readonly directory: string) {}

  /** @returns the envelope of a version as it was signed; null when there is none yet */
  async envelope(version: number): Promise<DsseEnvelope | null> {
    if (!Number.isSafeInteger(version) || version < 1) return null;
    const text = await fs.readFile(this.fileOf(version), 'utf8').catch(() => null);
    return text === null ? null : DsseEnvelope.parse(JSON.parse(text));
  }

  /**
   * The newest document, after following the whole chain. What the first names as roots is taken as it is: whoever must
   * not take the server's word for them compares their ids with pinned ones.
   * @throws TrustRejected when the chain is broken
   */
  async newest(): Promise<TrustVersion | null> {
    return (await this.log()).at(-1) ?? null;
  }

  /**
   * Every version, oldest first: it tells when a key began, ended and was revoked.
   * @param pinned ids of the roots that the first version may name; without them it is taken as it is
   * @throws TrustRejected when the chain is broken
   */
  async log(pinned?: readonly string[]): Promise<TrustVersion[]> {
    const versions: TrustVersion[] = [];
    for (let version = 1; ; version += 1) {
      const envelope = await this.envelope(version);
      if (envelope === null) return versions;
      const believed = versions.at(-1)?.document ?? null;
      versions.push({ document: followTrust(believed, envelope, pinned ?? rootsNamedBy(envelope)), envelope });
    }
  }

  /** @throws TrustRejected when it does not follow from the newest; nothing is written then */
  async publish(envelope: DsseEnvelope): Promise<TrustDocument> {
    const document = followTrust((await this.newest())?.document ?? null, envelope, rootsNamedBy(envelope));
    await fs.mkdir(this.directory, { recursive: true });
    const file = this.fileOf(document.version);
    const part = `${file}.${process.pid}.part`;
    await fs.writeFile(part, JSON.stringify(envelope));
    try {
      // A link fails where a rename would overwrite: a version is never replaced.
      await fs.link(part, file);
    } finally {
      await fs.rm(part, { force: true });
    }
    return document;
  }

  private fileOf(version: number): string {
    return path.join(this.directory, `${version}.json`);
  }
}

function rootsNamedBy(envelope: DsseEnvelope): string[] {
  try {
    const payload = JSON.parse(Buffer.from(envelope.payload, 'base64').toString('utf8')) as Partial<TrustDocument>;
    return (payload.roots?.keys ?? []).map(({ keyId }) => keyId);
  } catch {
    throw new TrustRejected('Its content is not a trust document.');
  }
}
