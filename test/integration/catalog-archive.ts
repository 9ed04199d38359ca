import { createHash } from 'node:crypto';
import fs from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import * as openpgp from 'openpgp';

export const sha256 = (bytes: string | Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** A throw-away OpenPGP key of a kind that gpgv of Debian 12 verifies. */
export async function makeKey(date: Date, expiresInSeconds?: number): Promise<openpgp.PrivateKey> {
  const { privateKey } = await openpgp.generateKey({
    type: 'ecc',
    curve: 'ed25519Legacy',
    userIDs: [{ name: 'A distribution of the tests' }],
    date,
    format: 'object',
    ...(expiresInSeconds === undefined ? {} : { keyExpirationTime: expiresInSeconds }),
  });
  return privateKey;
}

export async function clearSign(text: string, key: openpgp.PrivateKey, date: Date): Promise<string> {
  return openpgp.sign({ message: await openpgp.createCleartextMessage({ text }), signingKeys: key, date });
}

/** One file of an archive, as its index lists it. */
export interface TestPackage {
  readonly package: string;
  readonly version: string;
  readonly bytes: Buffer;
  readonly source?: string;
}

export const fileNameOf = (item: TestPackage): string => `pool/main/${item.package}_${item.version}_amd64.deb`;

export function stanzaOf(item: TestPackage): string {
  return [
    `Package: ${item.package}`,
    ...(item.source === undefined ? [] : [`Source: ${item.source}`]),
    `Version: ${item.version}`,
    'Architecture: amd64',
    `Filename: ${fileNameOf(item)}`,
    `Size: ${item.bytes.length}`,
    `SHA256: ${sha256(item.bytes)}`,
    '',
  ].join('\n');
}

/** Bytes that begin as a Debian package does, with some content. */
export const debLike = (content: string): Buffer => Buffer.from(`!<arch>\ndebian-binary   ${content}`);

type Answer = Buffer | http.RequestListener;

/** A small Debian archive on 127.0.0.1 with a key of its own. What it serves can be changed file by file. */
export class TestArchive {
  static readonly suite = 'bookworm-security';
  readonly files = new Map<string, Answer>();
  readonly requested: string[] = [];

  private constructor(
    private readonly server: http.Server,
    private readonly directory: string,
    readonly key: openpgp.PrivateKey,
  ) {}

  /** @param now since when its key is valid, and what its indices are dated */
  static async open(now: Date): Promise<TestArchive> {
    const directory = await fs.mkdtemp(path.join(os.tmpdir(), 'vouch-archive-'));
    const key = await makeKey(new Date(now.getTime() - 30 * 86_400_000));
    await fs.writeFile(path.join(directory, 'ring.asc'), key.toPublic().armor());
    const server = http.createServer();
    const archive = new TestArchive(server, directory, key);
    server.on('request', (request: http.IncomingMessage, response: http.ServerResponse) => {
      const name = (request.url ?? '').replace(/^\//, '');
      archive.requested.push(name);
      const answer = archive.files.get(name);
      if (typeof answer === 'function') answer(request, response);
      else response.writeHead(answer ? 200 : 404).end(answer);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return archive;
  }

  get uri(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  get source() {
    return {
      uri: this.uri,
      suite: TestArchive.suite,
      components: ['main'],
      signedBy: path.join(this.directory, 'ring.asc'),
    };
  }

  get inRelease(): string {
    return `dists/${TestArchive.suite}/InRelease`;
  }

  /** Where the packed Packages index is fetched from: below the digest that the signed index names. */
  get packagesIndex(): string {
    return [...this.files.keys()].filter((name) => name.includes('/by-hash/')).at(-1) ?? '';
  }

  /** Puts up an index of these packages, signed at `date`, and the packages themselves. */
  async publish(packages: readonly TestPackage[], date: Date, more: Readonly<Record<string, string>> = {}) {
    const packed = gzipSync(packages.map(stanzaOf).join('\n'));
    for (const item of packages) this.files.set(fileNameOf(item), item.bytes);
    const folder = 'main/binary-amd64';
    const fields = {
      Origin: 'Debian',
      Suite: 'oldstable-security',
      Codename: TestArchive.suite,
      Date: date.toUTCString().replace('GMT', 'UTC'),
      'Valid-Until': new Date(date.getTime() + 7 * 86_400_000).toUTCString().replace('GMT', 'UTC'),
      'Acquire-By-Hash': 'yes',
      ...more,
      SHA256: `\n ${sha256(packed)} ${packed.length} ${folder}/Packages.gz`,
    };
    const release = Object.entries(fields).map(([name, value]) => `${name}: ${value}`.replace(': \n', ':\n'));
    const signed = await clearSign(`${release.join('\n')}\n`, this.key, date);
    for (const name of [...this.files.keys()]) if (name.includes('/by-hash/')) this.files.delete(name);
    this.files.set(this.inRelease, Buffer.from(signed));
    this.files.set(`dists/${TestArchive.suite}/${folder}/by-hash/SHA256/${sha256(packed)}`, packed);
  }

  /** Changes a file that it serves. */
  change(name: string, change: (bytes: Buffer) => Buffer): void {
    const bytes = this.files.get(name);
    if (!Buffer.isBuffer(bytes)) throw new Error(`The archive serves no file ${name}`);
    this.files.set(name, change(bytes));
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
    await fs.rm(this.directory, { recursive: true, force: true });
  }
}
