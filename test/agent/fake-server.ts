import {
  createHash,
  generateKeyPairSync,
  sign,
  verify,
  type KeyObject,
  type KeyPairKeyObjectResult,
} from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  deviceSignatureBase,
  EnrolRequest,
  MANIFEST_PAYLOAD_TYPE,
  TRUST_PAYLOAD_TYPE,
  type ChannelManifest,
  type DsseEnvelope,
  type TrustDocument,
} from '@vouch/contracts';

export const tenantId = '11111111-1111-4111-8111-111111111111';
export const deviceId = '33333333-3333-4333-8333-333333333333';

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly nonce: string;
  /** Does the device's key, as it was handed over at enrolment, hold for the signature? Checked by Node's own crypto. */
  readonly signatureHolds: boolean;
}

interface Answer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
}

/** The server's side of the device protocol, for one device: says what a test tells it to, and keeps what it was sent. */
export class FakeServer {
  readonly received: Received[] = [];
  readonly answers = new Map<string, Answer>();
  readonly keys = newKeys();
  readonly root = newKeys();
  private deviceKey = '';

  private constructor(private readonly server: http.Server) {
    server.on('request', (request, response) => void this.answer(request, response));
  }

  static async start(): Promise<FakeServer> {
    const server = http.createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new FakeServer(server);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** Answers the next requests for the manifest with an envelope. */
  serve(envelope: unknown, headers: Record<string, string> = {}): void {
    this.answers.set('GET /device/v1/manifest', { status: 200, body: envelope, headers });
  }

  /** Signs a manifest as the real server does (DSSE v1.0.2), with this server's key or another. */
  seal(manifest: unknown, payloadType = MANIFEST_PAYLOAD_TYPE, key: KeyObject = this.keys.privateKey): DsseEnvelope {
    return sealWith(manifest, payloadType, key);
  }

  /** A trust document of this server: one root, one manifest key, unless changed. */
  trust(changes: Partial<TrustDocument> = {}): TrustDocument {
    return {
      version: 1,
      issuedAt: '2026-01-01T00:00:00.000Z',
      expires: '2999-01-01T00:00:00.000Z',
      roots: { threshold: 1, keys: [publicHalf(this.root)] },
      keys: [trustedKey(this.keys)],
      aptKeyring: 'the apt key',
      ...changes,
    };
  }

  /** Serves the next trust document, signed by the roots given (this server's one unless said otherwise). */
  serveTrust(changes: Partial<TrustDocument>, ...roots: KeyPairKeyObjectResult[]): void {
    const document = this.trust({ version: 2, ...changes });
    this.answers.set(`GET /device/v1/trust/${document.version}`, {
      status: 200,
      body: this.sealTrust(document, ...roots),
    });
  }

  sealTrust(document: TrustDocument, ...roots: KeyPairKeyObjectResult[]): DsseEnvelope {
    const [first = this.root, ...more] = roots;
    const envelope = sealWith(document, TRUST_PAYLOAD_TYPE, first.privateKey);
    const others = more.map((root) => sealWith(document, TRUST_PAYLOAD_TYPE, root.privateKey).signatures[0]!);
    return { ...envelope, signatures: [...envelope.signatures, ...others] };
  }

  sent(method: string, path: string): Received[] {
    return this.received.filter((request) => request.method === method && request.path === path);
  }

  private async answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const { method = '', url: path = '' } = request;
    const header = (name: string): string => String(request.headers[`x-vouch-${name}`] ?? '');
    const digest = createHash('sha256').update(body).digest('hex');
    const base = deviceSignatureBase(method, path, header('timestamp'), header('nonce'), digest);
    this.received.push({
      method,
      path,
      body: body.toString(),
      nonce: header('nonce'),
      signatureHolds:
        this.deviceKey !== '' &&
        header('device') === `${tenantId}.${deviceId}` &&
        header('content-sha256') === digest &&
        verify('sha256', Buffer.from(base), this.deviceKey, Buffer.from(header('signature'), 'base64')),
    });
    const told = this.answers.get(`${method} ${path}`) ?? this.usual(method, path, body);
    response.writeHead(told.status, { 'content-type': 'application/json', ...told.headers });
    response.end(told.body === undefined ? undefined : JSON.stringify(told.body));
  }

  private usual(method: string, path: string, body: Buffer): Answer {
    if (path === '/device/v1/enrol') {
      this.deviceKey = EnrolRequest.parse(JSON.parse(body.toString())).publicKeyPem;
      return { status: 200, body: { deviceId, tenantId, trust: this.sealTrust(this.trust()), pollSeconds: 3 } };
    }
    if (method === 'GET') return { status: 404, body: { detail: 'This machine has no channel yet.' } };
    return { status: 204 };
  }
}

export const newKeys = (): KeyPairKeyObjectResult => generateKeyPairSync('ec', { namedCurve: 'P-256' });

export function publicHalf({ publicKey }: KeyPairKeyObjectResult): { keyId: string; publicKeyPem: string } {
  const keyId = createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex');
  return { keyId, publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }).toString() };
}

export const trustedKey = (
  keys: KeyPairKeyObjectResult,
  changes: Partial<TrustDocument['keys'][number]> = {},
): TrustDocument['keys'][number] => ({
  purpose: 'manifest',
  ...publicHalf(keys),
  from: '2026-01-01T00:00:00.000Z',
  until: null,
  revoked: false,
  ...changes,
});

function sealWith(content: unknown, payloadType: string, key: KeyObject): DsseEnvelope {
  const payload = Buffer.from(JSON.stringify(content));
  const signed = Buffer.concat([
    Buffer.from(`DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${payload.length} `),
    payload,
  ]);
  const sig = sign('sha256', signed, key).toString('base64');
  return { payloadType, payload: payload.toString('base64'), signatures: [{ keyid: 'k', sig }] };
}

/** A manifest that is in order, for a test to change. */
export function manifest(changes: Partial<ChannelManifest> = {}): ChannelManifest {
  return {
    channelId: '44444444-4444-4444-8444-444444444444',
    stream: 'debian-12-amd64',
    ring: 0,
    version: 3,
    issuedAt: '2026-01-01T00:00:00Z',
    expires: '2999-01-01T00:00:00Z',
    apt: { suite: 'approved', component: 'main', inReleaseSha256: sha256('the release file') },
    entries: [
      {
        revisionId: '55555555-5555-4555-8555-555555555555',
        approvalId: '66666666-6666-4666-8666-666666666666',
        patch: 'shop',
        version: '2.0',
        notBefore: '2026-01-01T00:00:00Z',
        expires: '2999-01-01T00:00:00Z',
        artefacts: [
          {
            package: 'shop-server',
            version: '2.0',
            architecture: 'amd64',
            fileName: 'pool/shop-server_2.0_amd64.deb',
            sizeBytes: 18,
            sha256: sha256('the approved bytes'),
          },
        ],
        verdict: { statementSha256: sha256('a statement'), sentence: 'It passed.', expires: '2999-01-01T00:00:00Z' },
        coverage: { score: 1, notCovered: [] },
      },
    ],
    ...changes,
  };
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
