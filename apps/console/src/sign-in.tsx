import { useEffect, useState, type ReactNode } from 'react';
import type { SignedIn } from '@vouch/contracts';
import { api } from './api.js';
import { Field, Form } from './form.js';
import { ProveSecondFactor, SetUpCodes } from './second-factor.js';

type Step = SignedIn['secondFactor'] | 'password' | 'forgotten' | 'mail-sent';

/** The frame of everything that is shown before somebody is in. */
export function Door({ children }: { children: ReactNode }) {
  return (
    <main className="sign-in">
      <h1>
        <img src="/vouch.svg" alt="" width="32" height="32" /> Vouch
      </h1>
      {children}
    </main>
  );
}

/** Signing in, step by step: password or passkey, then what the account or the role asks for. */
export function SignIn({ onDone }: { onDone: () => void }) {
  const [step, setStep] = useState<Step>('password');
  useEffect(() => {
    // Somebody may have left in the middle.
    void api.session().then(
      ({ secondFactor }) => secondFactor !== 'done' && setStep(secondFactor),
      () => undefined,
    );
  }, []);
  useEffect(() => {
    if (step === 'done') onDone();
  }, [step, onDone]);
  return <Door>{stepView(step, setStep)}</Door>;
}

function stepView(step: Step, go: (step: Step) => void): ReactNode {
  switch (step) {
    case 'done':
      return <p>Signing in…</p>;
    case 'needed':
      return <ProveSecondFactor onDone={() => go('done')} />;
    case 'enrolment-needed':
      return (
        <>
          <p>Your role asks for a second factor, so that a stolen password is not enough to reach machines.</p>
          <SetUpCodes onDone={() => go('done')} />
        </>
      );
    case 'forgotten':
      return (
        <>
          <p>We send you a link to choose a new password.</p>
          <Form
            label="Send the link"
            onSubmit={async ({ email = '' }) => api.askForReset(email).then(() => go('mail-sent'))}
          >
            <Field label="E-mail" name="email" type="email" autoComplete="username" autoFocus />
          </Form>
          <button className="plain" onClick={() => go('password')}>
            Back
          </button>
        </>
      );
    case 'mail-sent':
      return (
        <>
          <p role="status">
            If this address has an account, a mail with a link is on its way. The link works for 30 minutes.
          </p>
          <button className="plain" onClick={() => go('password')}>
            Back
          </button>
        </>
      );
    case 'password':
      return <PasswordStep go={go} />;
  }
}

function PasswordStep({ go }: { go: (step: Step) => void }) {
  const canPasskey = 'PublicKeyCredential' in window;
  return (
    <>
      <p>Patches, tested once and approved with evidence.</p>
      <Form
        label="Sign in"
        busy="Signing in…"
        onSubmit={async ({ email = '', password = '' }) => go((await api.signIn(email, password)).secondFactor)}
      >
        <Field label="E-mail" name="email" type="email" autoComplete="username webauthn" autoFocus />
        <Field label="Password" name="password" type="password" autoComplete="current-password" />
      </Form>
      <div className="other-ways">
        {canPasskey && (
          <Form
            label="Sign in with a passkey"
            plain
            onSubmit={async () => api.signInWithPasskey().then(() => go('done'))}
          />
        )}
        <button className="plain" onClick={() => go('forgotten')}>
          Forgot the password?
        </button>
      </div>
    </>
  );
}
