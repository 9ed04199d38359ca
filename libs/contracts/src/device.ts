import { z } from 'zod';
import { Artefact, Component, Sha256, Timestamp } from './digest.js';
import { deviceExamples as examples } from './examples.js';

/** What a device sends once, with its one-time token, to become known. */
export const EnrolRequest = z
  .strictObject({
    token: z.string().min(20).max(200),
    name: z.string().min(1).max(200),
    /** SubjectPublicKeyInfo in PEM of an ECDSA P-256 key that the device made itself. */
    publicKeyPem: z.string().max(1000).startsWith('-----BEGIN PUBLIC KEY-----'),
  })
  .meta({ id: 'EnrolRequest', examples: [examples.enrol] });
export type EnrolRequest = z.infer<typeof EnrolRequest>;

/** What a device is. `services` are the running units, without instances' user sessions. */
export const Fingerprint = z.object({
  osRelease: z.object({ id: z.string().max(64), versionId: z.string().max(64), codename: z.string().max(64) }),
  architecture: z.string().max(40),
  kernel: z.string().max(200),
  components: z.array(Component).max(20_000),
  services: z.array(z.string().max(200)).max(2_000),
});
export type Fingerprint = z.infer<typeof Fingerprint>;
/** A fingerprint as a device sends it: nothing else may be in it. */
export const FingerprintReport = z
  .strictObject(Fingerprint.shape)
  .meta({ id: 'FingerprintReport', examples: [examples.fingerprint] });

export const DeviceHealthProbe = z.object({
  name: z.string().max(200),
  ok: z.boolean(),
  detail: z.string().max(500).default(''),
});

/** What really happened on a device with one approved revision. */
export const OutcomeReport = z
  .strictObject({
    revisionId: z.uuid(),
    channelVersion: z.int().positive(),
    result: z.enum(['installed', 'failed', 'refused']),
    /** Red when a service that ran before does not run afterwards. */
    healthy: z.boolean(),
    probes: z.array(DeviceHealthProbe).max(500),
    detail: z.string().max(4000).default(''),
    installed: z
      .array(z.object({ package: z.string().max(200), version: z.string().max(200), sha256: Sha256 }))
      .max(1000),
  })
  .meta({ id: 'OutcomeReport', examples: [examples.outcome] });
export type OutcomeReport = z.infer<typeof OutcomeReport>;

/** One approved revision in a channel's manifest. */
export const ManifestEntry = z.object({
  revisionId: z.uuid(),
  approvalId: z.uuid(),
  patch: z.string(),
  version: z.string(),
  /** The device installs it at this time or later. */
  notBefore: Timestamp,
  /** After this time the entry counts as not approved. */
  expires: Timestamp,
  artefacts: z.array(Artefact).min(1),
  verdict: z.object({ statementSha256: Sha256, sentence: z.string(), expires: Timestamp }),
  /** Why a person has it installed although the policy alone would not; absent when the policy would. */
  waiver: z.object({ why: z.string(), until: Timestamp }).optional(),
  coverage: z.object({ score: z.number().min(0).max(1), notCovered: z.array(z.string()) }),
});
export type ManifestEntry = z.infer<typeof ManifestEntry>;

/** The signed desired state that all devices of one channel read. */
export const ChannelManifest = z.object({
  channelId: z.uuid(),
  stream: z.string(),
  ring: z.int().nonnegative(),
  /** Grows by one with each change; a device never goes back. */
  version: z.int().positive(),
  issuedAt: Timestamp,
  expires: Timestamp,
  apt: z.object({ suite: z.string(), component: z.string(), inReleaseSha256: Sha256 }),
  entries: z.array(ManifestEntry),
});
export type ChannelManifest = z.infer<typeof ChannelManifest>;

export const MANIFEST_PAYLOAD_TYPE = 'application/vnd.vouch.channel-manifest.v1+json';

/** DSSE envelope (secure-systems-lab/dsse, v1.0.2): payload and signatures in base64. */
export const DsseEnvelope = z
  .object({
    payloadType: z.string(),
    payload: z.base64(),
    signatures: z.array(z.object({ keyid: z.string(), sig: z.base64() })).min(1),
  })
  .meta({ id: 'DsseEnvelope', examples: [examples.envelope] });
export type DsseEnvelope = z.infer<typeof DsseEnvelope>;

export const EnrolResponse = z
  .object({
    deviceId: z.uuid(),
    tenantId: z.uuid(),
    /** The newest trust document. The device pins its roots, and believes keys only because they signed for them. */
    trust: DsseEnvelope,
    pollSeconds: z.int().positive(),
  })
  .meta({ id: 'EnrolResponse', examples: [examples.enrolled] });
export type EnrolResponse = z.infer<typeof EnrolResponse>;

/**
 * Device protocol (agent -> api). All but `enrol` and the apt paths are signed by the device's key:
 *   X-Vouch-Device: <tenantId>.<deviceId>
 *   X-Vouch-Timestamp: seconds since 1970;   X-Vouch-Nonce: 16 random bytes in hex
 *   X-Vouch-Signature: base64 of an ECDSA P-256/SHA-256 (DER) signature over
 *     `METHOD\nPATH\nTIMESTAMP\nNONCE\nHEX(SHA-256(body))`
 *   X-Vouch-Content-SHA256: HEX(SHA-256(body)), needed with a body: the signature is checked before the body is read
 *
 * POST /device/v1/enrol        EnrolRequest  -> EnrolResponse
 * GET  /device/v1/trust/:n     -> 200 DsseEnvelope | 404 there is no newer version
 * PUT  /device/v1/fingerprint  Fingerprint   -> 204
 * GET  /device/v1/manifest     -> 200 DsseEnvelope (ETag) | 304 | 404 no channel yet
 * POST /device/v1/outcomes     OutcomeReport -> 204
 * GET  /apt/<channelId>/dists/..., /apt/<channelId>/pool/...   the channel's apt repository
 * GET  /agent/vouch-agent.deb  the agent itself
 */
export function deviceSignatureBase(
  method: string,
  path: string,
  timestamp: string,
  nonce: string,
  bodySha256: string,
): string {
  return [method, path, timestamp, nonce, bodySha256].join('\n');
}
