/** Nobody is signed in, or the session has ended. */
export class SignInNeeded extends Error {
  readonly code = 'sign-in-needed';
  constructor() {
    super('Sign in first: there is no session, or it has ended.');
  }
}

/** The caller is known, and may not do this. */
export class AccessDenied extends Error {
  readonly code = 'access-denied';
  constructor() {
    super('Your role does not allow this.');
  }
}

/** The password was right, and the account asks for more. */
export class SecondFactorNeeded extends Error {
  readonly code: 'second-factor-needed' | 'second-factor-enrolment-needed';
  constructor(state: 'needed' | 'enrolment-needed') {
    super(
      state === 'needed' ? 'Prove your second factor first.' : 'Your role asks for a second factor: set one up first.',
    );
    this.code = state === 'needed' ? 'second-factor-needed' : 'second-factor-enrolment-needed';
  }
}

/** Dangerous, and it is too long since the person proved who they are. */
export class StepUpNeeded extends Error {
  readonly code = 'step-up-needed';
  constructor() {
    super('Prove again that it is you: this needs a fresh proof of every factor of your account.');
  }
}

/** A change was asked for without the header that only our own pages send. */
export class CsrfHeaderMissing extends Error {
  readonly code = 'csrf-header-missing';
  constructor() {
    super('Send the header X-Vouch-Csrf: 1 with every request that changes something.');
  }
}

/** Nothing of that id that the caller may see: the same answer whether it exists or not. */
export class NotFound extends Error {
  readonly code = 'not-found';
  constructor(what: string) {
    super(`There is no such ${what}.`);
  }
}

/** Two credentials at once: which one was meant must not be guessed. */
export class CredentialsAmbiguous extends Error {
  readonly code = 'credentials-ambiguous';
  constructor() {
    super('Send a session cookie or an Authorization header, not both.');
  }
}
