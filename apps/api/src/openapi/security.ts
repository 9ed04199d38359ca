import type { JsonSchema } from './json-schemas.js';
import type { DeclaredRoute } from './routes.js';

const header = (name: string, description: string): JsonSchema => ({ type: 'apiKey', in: 'header', name, description });

/** @param cookie the name of the session's cookie, which tells whether it is for TLS */
export const securitySchemes = (cookie: string): Readonly<Record<string, JsonSchema>> => ({
  apiKey: { type: 'http', scheme: 'bearer', bearerFormat: 'vk_…', description: 'An API key.' },
  session: { type: 'apiKey', in: 'cookie', name: cookie, description: "A person's session." },
  csrf: header('X-Vouch-Csrf', 'Must be 1 with every change that comes with a session cookie.'),
  labRunner: { type: 'http', scheme: 'bearer', bearerFormat: 'vl_…', description: "A lab-runner's credential." },
  device: header('X-Vouch-Device', '`<tenantId>.<deviceId>`'),
  deviceTimestamp: header('X-Vouch-Timestamp', 'Seconds since 1970.'),
  deviceNonce: header('X-Vouch-Nonce', '16 random bytes in hex, never used before.'),
  deviceSignature: header(
    'X-Vouch-Signature',
    'Base64 of an ECDSA P-256/SHA-256 (DER) signature over METHOD, path, timestamp, nonce and hex SHA-256 of the body, joined by line feeds.',
  ),
  deviceContentSha256: header('X-Vouch-Content-SHA256', 'Hex SHA-256 of the body. Needed when there is one.'),
});

/** Which credentials a route takes. */
export function securityOf({ access, method }: DeclaredRoute): Record<string, []>[] {
  if (access === 'public' || access === undefined) return [];
  if (access === 'device') {
    const signed: Record<string, []> = { device: [], deviceTimestamp: [], deviceNonce: [], deviceSignature: [] };
    return [method === 'get' ? signed : { ...signed, deviceContentSha256: [] }];
  }
  if (access === 'lab-runner') return [{ labRunner: [] }];
  const session: Record<string, []> = method === 'get' ? { session: [] } : { session: [], csrf: [] };
  const peopleOnly = typeof access === 'string' && access !== 'caller';
  return peopleOnly ? [session] : [{ apiKey: [] }, session];
}
