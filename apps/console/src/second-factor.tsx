import { QRCodeSVG } from 'qrcode.react';
import { useEffect, useState } from 'react';
import { api } from './api.js';
import { Field, Form } from './form.js';

/** The second step of signing in. */
export function ProveSecondFactor({ onDone }: { onDone: () => void }) {
  const [passkeys, setPasskeys] = useState(false);
  useEffect(() => {
    void api.account().then(
      (account) => setPasskeys(account.passkeys.length > 0),
      () => undefined,
    );
  }, []);
  return (
    <>
      <p>One more step: prove that it is you.</p>
      <Form label="Go on" onSubmit={async ({ code = '' }) => api.proveCode(code).then(onDone)}>
        <Field
          label="Code"
          name="code"
          autoComplete="one-time-code"
          autoFocus
          hint="The six digits of your authenticator app, or one of your recovery codes."
        />
      </Form>
      {passkeys && <Form label="Use a passkey" plain onSubmit={async () => api.provePasskey().then(onDone)} />}
    </>
  );
}

/** Sets up codes: scan, type the first one, keep the recovery codes. */
export function SetUpCodes({ onDone }: { onDone: () => void }) {
  const [offer, setOffer] = useState<{ secret: string; uri: string } | null>(null);
  const [error, setError] = useState('');
  const [codes, setCodes] = useState<readonly string[] | null>(null);
  useEffect(() => {
    void api.setUpCodes().then(setOffer, (reason: Error) => setError(reason.message));
  }, []);
  if (codes !== null) return <RecoveryCodes codes={codes} onDone={onDone} />;
  if (offer === null) return <p role="alert">{error}</p>;
  return (
    <>
      <p>Open an authenticator app on your phone and scan this:</p>
      <div className="qr">
        <QRCodeSVG value={offer.uri} size={176} marginSize={2} title="QR code for the authenticator app" />
      </div>
      <p className="fine">
        Or type this into the app: <code>{offer.secret.replaceAll(/(.{4})(?=.)/g, '$1 ')}</code>
      </p>
      <Form
        label="Check the code"
        onSubmit={async ({ code = '' }) => setCodes((await api.confirmCodes(code.replaceAll(/\s/g, ''))).recoveryCodes)}
      >
        <Field label="The six digits that the app shows now" name="code" autoComplete="one-time-code" />
      </Form>
    </>
  );
}

/** Shown once: what lets somebody in whose phone is lost. */
export function RecoveryCodes({ codes, onDone }: { codes: readonly string[]; onDone: () => void }) {
  return (
    <>
      <h2>Recovery codes</h2>
      <p>
        Keep these somewhere safe, on paper for instance. If your phone is lost, each of them lets you in once. They are
        not shown again.
      </p>
      <ul className="recovery-codes">
        {codes.map((code) => (
          <li key={code}>
            <code>{code}</code>
          </li>
        ))}
      </ul>
      <button onClick={onDone}>I have kept them</button>
    </>
  );
}
