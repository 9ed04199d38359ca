import dns from 'node:dns';
import net from 'node:net';
import { Agent, request } from 'undici';
import { isPublicAddress } from './public-address.js';

/** The request must not leave: its address is not one of the public Internet, or it is not HTTPS. */
export class AddressRefused extends Error {
  readonly code = 'address-refused';
  constructor(target: string, why: string) {
    super(`${target} is not called: ${why}.`);
  }
}

export interface SafeRequest {
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** For the whole exchange. */
  readonly timeoutMs: number;
  /** Of the answer's body; more is not read. */
  readonly maxBytes: number;
}

export interface SafeResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** At most `maxBytes` of the answer. */
  readonly body: Buffer;
  /** True when the answer was longer. */
  readonly cut: boolean;
}

type Lookup = net.LookupFunction;

/**
 * Makes requests to addresses that somebody else has named. The resolved address is checked where the connection is
 * made, so a name that answers differently the second time gains nothing; redirects are not followed.
 */
export class SafeFetch {
  private readonly agent: Agent;

  constructor(
    private readonly options: { readonly allowPrivateNetwork: boolean },
    resolve: Lookup = dns.lookup as Lookup,
  ) {
    this.agent = new Agent({
      connect: { lookup: options.allowPrivateNetwork ? resolve : checked(resolve), timeout: 10_000 },
      connections: 10,
      maxHeaderSize: 16_384,
    });
  }

  /**
   * @throws AddressRefused, or the network's own error
   */
  async send(
    address: string,
    { method = 'GET', headers, body, timeoutMs, maxBytes }: SafeRequest,
  ): Promise<SafeResponse> {
    const url = this.check(address);
    const response = await request(url, {
      method,
      dispatcher: this.agent,
      headers: { ...headers },
      body: body ?? null,
      signal: AbortSignal.timeout(timeoutMs),
    });
    const read = await readAtMost(response.body, maxBytes);
    return { status: response.statusCode, headers: response.headers, ...read };
  }

  /**
   * What can be said about an address before it is resolved.
   * @throws AddressRefused
   */
  check(address: string): URL {
    const url = URL.canParse(address) ? new URL(address) : undefined;
    if (url === undefined || !['http:', 'https:'].includes(url.protocol))
      throw new AddressRefused(address, 'it is not an HTTP address');
    if (url.username !== '' || url.password !== '')
      throw new AddressRefused(url.origin, 'it must not hold a user name or password');
    if (this.options.allowPrivateNetwork) return url;
    if (url.protocol !== 'https:') throw new AddressRefused(url.origin, 'only https:// is allowed');
    const host = url.hostname.replace(/^\[|\]$/g, '');
    // A literal address is connected to without a lookup.
    if (net.isIP(host) !== 0 && !isPublicAddress(host)) throw new AddressRefused(url.origin, notPublic);
    return url;
  }

  async close(): Promise<void> {
    await this.agent.destroy();
  }
}

const notPublic = 'its address is not one of the public Internet';

/** A resolver that gives public addresses only; with one that is not, the whole name is refused. */
function checked(resolve: Lookup): Lookup {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, found) => {
      if (error) return callback(error, '', 4);
      const addresses = found as unknown as dns.LookupAddress[];
      const [first] = addresses;
      if (first === undefined || !addresses.every(({ address }) => isPublicAddress(address)))
        return callback(new AddressRefused(hostname, notPublic), '', 4);
      if (options.all) (callback as unknown as (e: null, all: dns.LookupAddress[]) => void)(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}

async function readAtMost(
  body: AsyncIterable<Buffer> & { destroy(): unknown; on(event: 'error', listener: () => void): unknown },
  maxBytes: number,
): Promise<{ body: Buffer; cut: boolean }> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of body) {
    parts.push(part);
    size += part.length;
    if (size > maxBytes) {
      body.on('error', () => undefined);
      body.destroy();
      break;
    }
  }
  return { body: Buffer.concat(parts).subarray(0, maxBytes), cut: size > maxBytes };
}
