import { randomUUID } from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { sha256Hex, type ContentStore } from '@vouch/platform';
import type { ApprovedPackage, AptPublisher, AptRepositoryRequest } from '../../apt-publisher.port.js';
import { byHashPath, packagesIndex, poolPath, releaseFile } from '../../domain/apt-repository/indices.js';
import type { OpenPgpSigner } from './openpgp-signer.js';

const gzipped = promisify(gzip);

/** A file that was approved is not in the content store, so the repository cannot be complete. */
export class ApprovedFileMissing extends Error {
  readonly code = 'approved-file-missing';
  constructor(name: string, sha256: string) {
    super(`${name} (${sha256}) is approved but not in the content store: the channel keeps its last version.`);
  }
}

/**
 * Publishes apt repositories as folders. Each version is written beside the last one and switched to by renaming one
 * link, so that no device ever sees half of one.
 */
export class FolderPublisher implements AptPublisher {
  constructor(
    private readonly directory: string,
    private readonly store: ContentStore,
    private readonly signer: OpenPgpSigner,
  ) {}

  get publicKeyArmored(): string {
    return this.signer.publicKeyArmored;
  }

  /** @throws ApprovedFileMissing; the channel keeps its last version then */
  async publish(request: AptRepositoryRequest): Promise<{ inReleaseSha256: string }> {
    const signed = await this.signedIndices(request);
    const versions = path.join(this.directory, '.versions', request.channelId);
    const version = path.join(versions, randomUUID());
    try {
      await this.keepIndicesOfLast(request, version);
      for (const [file, bytes] of signed.files) await write(path.join(version, 'dists', request.suite, file), bytes);
      for (const item of request.packages) await this.linkToPool(item, version);
      await this.switchTo(request.channelId, version);
    } catch (error) {
      await fs.rm(version, { recursive: true, force: true });
      throw error;
    }
    await removeOthers(versions, path.basename(version));
    return { inReleaseSha256: signed.sha256 };
  }

  private async linkToPool(item: ApprovedPackage, version: string): Promise<void> {
    if (!(await this.store.has(item.sha256))) throw new ApprovedFileMissing(item.fileName, item.sha256);
    await link(this.store.pathOf(item.sha256), path.join(version, poolPath(item)));
  }

  /** A device that has just read the last release file goes on to read the indices that it names. */
  private async keepIndicesOfLast(request: AptRepositoryRequest, version: string): Promise<void> {
    const last = path.join(this.directory, request.channelId, 'dists', request.suite);
    for (const index of indexPaths(request)) {
      const bytes = await fs.readFile(path.join(last, index)).catch(() => null);
      if (bytes === null) continue;
      await write(path.join(version, 'dists', request.suite, byHashPath(index, sha256Hex(bytes))), bytes);
    }
  }

  private async signedIndices(request: AptRepositoryRequest): Promise<{ files: Map<string, Buffer>; sha256: string }> {
    const text = Buffer.from(packagesIndex(request.packages), 'utf8');
    const [plain, packed] = indexPaths(request);
    const indices = new Map([
      [plain, text],
      [packed, await gzipped(text)],
    ]);
    const release = releaseFile({ ...request, label: request.channelId, files: indices });
    const inRelease = Buffer.from(await this.signer.clearSign(release, request.date), 'utf8');
    const byHash = [...indices].map(([file, bytes]) => [byHashPath(file, sha256Hex(bytes)), bytes] as const);
    return { files: new Map([...indices, ...byHash, ['InRelease', inRelease]]), sha256: sha256Hex(inRelease) };
  }

  private async switchTo(channelId: string, version: string): Promise<void> {
    const link = path.join(this.directory, channelId);
    const fresh = `${link}.${randomUUID()}`;
    await fs.symlink(path.relative(this.directory, version), fresh);
    await fs.rename(fresh, link);
  }
}

function indexPaths({ component, architecture }: AptRepositoryRequest): [plain: string, packed: string] {
  const folder = `${component}/binary-${architecture}`;
  return [`${folder}/Packages`, `${folder}/Packages.gz`];
}

/** The same file under a second name: a package is on the disk once, however many channels offer it. */
async function link(file: string, target: string): Promise<void> {
  await fs.mkdir(path.dirname(target), { recursive: true });
  await fs.link(file, target).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
}

async function write(file: string, bytes: Buffer): Promise<void> {
  await fs.mkdir(path.dirname(file), { recursive: true });
  await fs.writeFile(file, bytes);
}

/** The version before stays for a while: a device may be reading it. Older ones go. */
async function removeOthers(versions: string, current: string): Promise<void> {
  const all = await Promise.all(
    (await fs.readdir(versions)).map(async (name) => ({
      name,
      at: (await fs.stat(path.join(versions, name))).mtimeMs,
    })),
  );
  const old = all.filter(({ name }) => name !== current).sort((a, b) => b.at - a.at);
  for (const { name } of old.slice(1)) await fs.rm(path.join(versions, name), { recursive: true, force: true });
}
