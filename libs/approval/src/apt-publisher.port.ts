/** One approved file, with the vendor's own index stanza. */
export interface ApprovedPackage {
  readonly package: string;
  readonly version: string;
  readonly architecture: string;
  readonly fileName: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly stanza: string;
}

export interface AptRepositoryRequest {
  readonly channelId: string;
  readonly suite: string;
  readonly component: string;
  /** Debian architecture of the stream, e.g. `amd64`. */
  readonly architecture: string;
  readonly packages: readonly ApprovedPackage[];
  readonly date: Date;
  readonly validUntil: Date;
}

/** Publishes a channel's apt repository: exactly these files, signed, switched to in one step. */
export interface AptPublisher {
  readonly publicKeyArmored: string;
  publish(request: AptRepositoryRequest): Promise<{ inReleaseSha256: string }>;
}
