/** How an MSP's identity provider is reached. */
export interface ProviderSettings {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

/** What must come back with the browser, and what it is checked against. */
export interface PendingSignIn {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

/** Whom the provider vouches for. */
export interface VouchedIdentity {
  readonly subject: string;
  /** Null unless the provider says that it was verified. */
  readonly email: string | null;
  /** Whether the provider says that more than one factor was proved (`amr`, RFC 8176). */
  readonly secondFactor: boolean;
}

/** The provider does not answer, is misconfigured, or answered something that does not hold. */
export class ProviderFailed extends Error {
  readonly code = 'single-sign-on-failed';
}

export interface IdentityProvider {
  /** Finds out whether there is such a provider. @throws ProviderFailed */
  probe(settings: ProviderSettings): Promise<void>;
  /** @returns where to send the browser @throws ProviderFailed */
  begin(settings: ProviderSettings, redirectUri: string, pending: PendingSignIn): Promise<string>;
  /** @param callback the whole address that the browser came back to @throws ProviderFailed */
  finish(settings: ProviderSettings, callback: URL, pending: PendingSignIn): Promise<VouchedIdentity>;
}
