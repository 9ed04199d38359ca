import * as client from 'openid-client';
import type { SafeFetch } from '@vouch/platform';
import {
  ProviderFailed,
  type IdentityProvider,
  type PendingSignIn,
  type ProviderSettings,
  type VouchedIdentity,
} from '../../identity-provider.port.js';

const TIMEOUT_MS = 10_000;
const MAX_BYTES = 262_144;
/** Authentication methods (RFC 8176) that a password alone does not give. */
const STRONG = new Set(['mfa', 'otp', 'hwk', 'swk', 'fpt', 'face', 'iris', 'sc']);

/**
 * OpenID Connect with authorization code, PKCE, state and nonce. Requests to the provider leave through the safe fetch. The
 * identity token must be signed by one of the provider's keys, although it comes straight from the provider: a proxy
 * that an MSP puts before it, or plain HTTP where that is allowed, is then not enough to be anybody.
 */
export class OpenIdProvider implements IdentityProvider {
  constructor(
    private readonly fetcher: SafeFetch,
    private readonly options: { readonly allowPlainHttp: boolean },
  ) {}

  async probe(settings: ProviderSettings): Promise<void> {
    await this.configuration(settings);
  }

  async begin(settings: ProviderSettings, redirectUri: string, pending: PendingSignIn): Promise<string> {
    const configuration = await this.configuration(settings);
    return client.buildAuthorizationUrl(configuration, {
      redirect_uri: redirectUri,
      scope: 'openid email profile',
      state: pending.state,
      nonce: pending.nonce,
      code_challenge: await client.calculatePKCECodeChallenge(pending.verifier),
      code_challenge_method: 'S256',
    }).href;
  }

  async finish(settings: ProviderSettings, callback: URL, pending: PendingSignIn): Promise<VouchedIdentity> {
    const configuration = await this.configuration(settings);
    try {
      const tokens = await client.authorizationCodeGrant(configuration, callback, {
        expectedState: pending.state,
        expectedNonce: pending.nonce,
        pkceCodeVerifier: pending.verifier,
        idTokenExpected: true,
      });
      const claims = tokens.claims();
      if (claims === undefined) throw new ProviderFailed('The identity provider sent no identity.');
      const { sub: subject, email, email_verified: verified, amr } = claims;
      return {
        subject,
        email: typeof email === 'string' && verified === true ? email : null,
        secondFactor: Array.isArray(amr) && amr.some((method) => STRONG.has(String(method))),
      };
    } catch (error) {
      if (error instanceof ProviderFailed) throw error;
      throw new ProviderFailed('What the identity provider answered does not hold. Sign in again.');
    }
  }

  private async configuration({ issuer, clientId, clientSecret }: ProviderSettings): Promise<client.Configuration> {
    try {
      const configuration = await client.discovery(
        new URL(issuer),
        clientId,
        undefined,
        client.ClientSecretPost(clientSecret),
        {
          [client.customFetch]: (url, options) => this.fetch(url, options),
          execute: [
            client.enableNonRepudiationChecks,
            ...(this.options.allowPlainHttp ? [client.allowInsecureRequests] : []),
          ],
        },
      );
      return configuration;
    } catch (error) {
      const why = error instanceof Error ? error.message : 'unknown';
      throw new ProviderFailed(`The identity provider at ${issuer} cannot be used: ${why}`);
    }
  }

  private async fetch(url: string, options: Parameters<client.CustomFetch>[1]): Promise<Response> {
    const body = options.body;
    const {
      status,
      headers,
      body: answer,
      cut,
    } = await this.fetcher.send(url, {
      method: options.method === 'POST' ? 'POST' : 'GET',
      headers: options.headers,
      ...(body === undefined || body === null ? {} : { body: String(body) }),
      timeoutMs: TIMEOUT_MS,
      maxBytes: MAX_BYTES,
    });
    if (cut) throw new ProviderFailed('The identity provider answered more than is read.');
    const kept = Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value] as [string, string]],
    );
    return new Response(status === 204 ? null : new Uint8Array(answer), { status, headers: kept });
  }
}
