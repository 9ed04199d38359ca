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

/** Properly signed, but for another suite: a mirror that swaps suites could hide fixes or slip in development packages. */
export class IndexOfAnotherSuite extends IntakeError {
  readonly code = 'index-of-another-suite';
  readonly state = 'unverified';
  constructor(wanted: string, found: string) {
    super(`The signed index is for ${found}, but ${wanted} was asked for. Nothing of it was used.`);
  }
}

/** The other side of a clock that is wrong: ours, or the one of who signed. */
export class IndexNotYetValid extends IntakeError {
  readonly code = 'index-not-yet-valid';
  readonly state = 'stale';
  constructor(date: Date, now: Date) {
    super(
      `The index is of ${date.toISOString()}, but it is ${now.toISOString()} here: check this machine's clock. It was not used.`,
    );
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

/** A few bytes that unpack to very many: reading stopped at the limit. */
export class IndexTooLarge extends IntakeError {
  readonly code = 'index-too-large';
  readonly state = 'unverified';
  constructor(file: string, maxBytes: number) {
    super(`${file} unpacks to more than ${maxBytes} bytes. Nothing of it was used.`);
  }
}

/** Longer than the signed index, or our own limit, allows: reading stopped there. */
export class ResponseTooLong extends IntakeError {
  readonly code = 'response-too-long';
  readonly state = 'unreachable';
  constructor(file: string, maxBytes: number) {
    super(`The mirror sent more than the ${maxBytes} bytes that ${file} may have. Nothing of it was used.`);
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
  /** @param actual what was found instead, e.g. `SHA-256 12ab…` */
  constructor(name: string, expected: string, actual: string) {
    super(`${name} has ${actual}, but the signed index names SHA-256 ${expected}. It was thrown away.`);
  }
}

/** The bytes are as named, and yet no Debian package. */
export class ArtefactNotAPackage extends Error {
  readonly code = 'artefact-not-a-package';
  constructor(name: string) {
    super(`${name} is not a Debian package. It was thrown away.`);
  }
}
