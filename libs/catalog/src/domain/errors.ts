/** An index or artefact that cannot be trusted or cannot be had. `state` is what its source becomes. */
export abstract class IntakeError extends Error {
  abstract readonly code: string;
  abstract readonly state: 'unverified' | 'stale' | 'unreachable';
}

export class IndexUnsigned extends IntakeError {
  readonly code = 'index-unsigned';
  readonly state = 'unverified';
  constructor() {
    super('The index carries no signature. Nothing of it was used.');
  }
}

export class IndexWronglySigned extends IntakeError {
  readonly code = 'index-wrongly-signed';
  readonly state = 'unverified';
  constructor(detail: string) {
    super(`No key of the distribution signed the index (${detail}). Nothing of it was used.`);
  }
}

export class IndexTruncated extends IntakeError {
  readonly code = 'index-truncated';
  readonly state = 'unverified';
  constructor(what: string) {
    super(`${what} is cut off, or is not what the signed index names. Nothing of it was used.`);
  }
}

export class IndexMalformed extends IntakeError {
  readonly code = 'index-malformed';
  readonly state = 'unverified';
  constructor(what: string) {
    super(`The signed index cannot be understood: ${what}. Nothing of it was used.`);
  }
}

export class IndexExpired extends IntakeError {
  readonly code = 'index-expired';
  readonly state = 'stale';
  constructor(validUntil: Date) {
    super(
      `The index expired at ${validUntil.toISOString()}: the mirror may be held back. Nothing new is approved from it.`,
    );
  }
}

export class IndexRolledBack extends IntakeError {
  readonly code = 'index-rolled-back';
  readonly state = 'stale';
  constructor(date: Date, seen: Date) {
    super(
      `The index is of ${date.toISOString()}, older than the one of ${seen.toISOString()} that was seen before. It was not used.`,
    );
  }
}

export class MirrorUnreachable extends IntakeError {
  readonly code = 'mirror-unreachable';
  readonly state = 'unreachable';
  constructor(detail: string) {
    super(`The mirror cannot be reached (${detail}). It is tried again by itself.`);
  }
}

/** The bytes behind a name are not those that the signed index names. */
export class ArtefactDigestMismatch extends Error {
  readonly code = 'artefact-digest-mismatch';
  constructor(name: string, expected: string, actual: string) {
    super(`${name} has SHA-256 ${actual}, but the signed index names ${expected}. It was thrown away.`);
  }
}

/** The bytes are as named, and yet no Debian package. */
export class ArtefactNotAPackage extends Error {
  readonly code = 'artefact-not-a-package';
  constructor(name: string) {
    super(`${name} is not a Debian package. It was thrown away.`);
  }
}
