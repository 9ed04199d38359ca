import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { Sha256 } from '@aws-crypto/sha256-js';
import { SignatureV4 } from '@smithy/signature-v4';
import { sha256Hex } from '@vouch/platform';

const CREDENTIALS = { accessKeyId: 'tests', secretAccessKey: 'secret of the tests' };
const REGION = 'eu-test-1';

/** A bucket in memory that lets in only what the vendor's own signer would have signed the same way. */
export class Bucket {
  readonly objects = new Map<string, Buffer>();
  readonly refused: string[] = [];
  private readonly signer = new SignatureV4({
    service: 's3',
    region: REGION,
    credentials: CREDENTIALS,
    sha256: Sha256,
    uriEscapePath: false,
  });
  private readonly server = http.createServer((request, response) => void this.serve(request, response));

  async open(): Promise<{ url: string; region: string } & typeof CREDENTIALS> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return {
      url: `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/evidence`,
      region: REGION,
      ...CREDENTIALS,
    };
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const key = request.url ?? '';
    const end = (status: number, bytes: Uint8Array = Buffer.alloc(0)): void =>
      void response.writeHead(status).end(bytes);
    if (!(await this.isSigned(request)) || request.headers['x-amz-content-sha256'] !== sha256Hex(body)) {
      this.refused.push(`${request.method} ${key}`);
      return end(403);
    }
    if (request.method === 'PUT') {
      this.objects.set(key, body);
      return end(200);
    }
    const found = this.objects.get(key);
    return found === undefined ? end(404) : end(200, request.method === 'HEAD' ? undefined : found);
  }

  private async isSigned(request: http.IncomingMessage): Promise<boolean> {
    const given = request.headers.authorization ?? '';
    const names = /SignedHeaders=([^,]+)/.exec(given)?.[1]?.split(';') ?? [];
    const date = String(request.headers['x-amz-date'] ?? '').replace(
      /^(....)(..)(..)T(..)(..)(..)Z$/,
      '$1-$2-$3T$4:$5:$6Z',
    );
    if (Number.isNaN(Date.parse(date))) return false;
    const wanted = await this.signer.sign(
      {
        method: request.method ?? '',
        protocol: 'http:',
        hostname: '127.0.0.1',
        path: request.url ?? '',
        headers: Object.fromEntries(names.map((name) => [name, String(request.headers[name])])),
      },
      { signingDate: new Date(date) },
    );
    const signature = (text: string): string | undefined => /Signature=(\w+)/.exec(text)?.[1];
    return signature(given) !== undefined && signature(given) === signature(wanted.headers['authorization'] ?? '');
  }
}
