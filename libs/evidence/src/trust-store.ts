import fs from 'node:fs/promises';
import path from 'node:path';
import { DsseEnvelope, type TrustDocument } from '@vouch/contracts';
import { followTrust, TrustRejected } from './domain/trust.js';

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
  async newest(): Promise<{ document: TrustDocument; envelope: DsseEnvelope } | null> {
    let believed: { document: TrustDocument; envelope: DsseEnvelope } | null = null;
    for (let version = 1; ; version += 1) {
      const envelope = await this.envelope(version);
      if (envelope === null) return believed;
      const document = followTrust(believed?.document ?? null, envelope, rootsNamedBy(envelope));
      believed = { document, envelope };
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
