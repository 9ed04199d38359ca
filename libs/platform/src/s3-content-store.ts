import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { AwsClient } from 'aws4fetch';
import { ContentMismatch, ContentUnavailable, requireAddress, type BlobStore } from './blob-store.js';

export interface S3Settings {
  /** The bucket's address, e.g. `https://s3.example.org/vouch-evidence`; a path below it is kept as a prefix. */
  readonly url: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region: string;
}

const TIMEOUT_MS = 60_000;

/**
 * Objects of an S3-compatible bucket, named by their SHA-256. The digest is signed with each upload, so that the bucket
 * itself refuses bytes that were changed on the way; what is read is compared again, since a bucket may be tampered with.
 */
export class S3ContentStore implements BlobStore {
  private readonly client: AwsClient;
  private readonly base: string;

  constructor({ url, ...credentials }: S3Settings) {
    this.base = url.replace(/\/+$/, '');
    this.client = new AwsClient({ ...credentials, service: 's3', retries: 3 });
  }

  async has(sha256: string): Promise<boolean> {
    const response = await this.request(sha256, 'HEAD');
    if (response.ok) return true;
    if (response.status === 404) return false;
    throw new ContentUnavailable(sha256, `the bucket answered ${response.status}`);
  }

  async put(bytes: Uint8Array, expected?: string): Promise<string> {
    const actual = createHash('sha256').update(bytes).digest('hex');
    if (expected !== undefined && actual !== expected) throw new ContentMismatch(expected, actual);
    if (await this.has(actual)) return actual;
    const response = await this.request(actual, 'PUT', bytes);
    if (!response.ok) throw new ContentUnavailable(actual, `the bucket answered ${response.status} to the upload`);
    return actual;
  }

  async get(sha256: string): Promise<Buffer> {
    const response = await this.request(sha256, 'GET');
    if (!response.ok) {
      await response.body?.cancel();
      throw new ContentUnavailable(sha256, `the bucket answered ${response.status}`);
    }
    const bytes = Buffer.from(await response.arrayBuffer());
    const actual = createHash('sha256').update(bytes).digest('hex');
    if (actual !== sha256) throw new ContentUnavailable(sha256, `the bucket holds bytes of ${actual} under this name`);
    return bytes;
  }

  /** Evidence is small, and is handed on only when its digest is right. */
  stream(sha256: string): Readable {
    const read = (): Promise<Buffer> => this.get(sha256);
    return Readable.from(
      (async function* () {
        yield await read();
      })(),
      { objectMode: false },
    );
  }

  private async request(sha256: string, method: string, body?: Uint8Array): Promise<Response> {
    const url = `${this.base}/${requireAddress(sha256).slice(0, 2)}/${sha256}`;
    // Without a body S3 wants the digest of no bytes.
    const digest = body === undefined ? createHash('sha256').digest('hex') : sha256;
    const signed = await this.client.sign(url, {
      method,
      headers: { 'x-amz-content-sha256': digest },
      ...(body === undefined ? {} : { body: new Uint8Array(body) }),
    });
    return fetch(signed, { redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) }).catch((error: unknown) => {
      throw new ContentUnavailable(
        sha256,
        error instanceof Error ? String(error.cause ?? error.message) : String(error),
      );
    });
  }
}
