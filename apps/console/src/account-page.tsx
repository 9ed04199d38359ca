import { useCallback, useEffect, useState } from 'react';
import type { AccountView, OwnSessions } from '@vouch/contracts';
import { api } from './api.js';
import { Badge } from './badge.js';
import { browserName } from './browser-name.js';
import { Field, Form } from './form.js';
import { time } from './format.js';
import { RecoveryCodes, SetUpCodes } from './second-factor.js';

/** What people look after themselves: password, second factors, where they are signed in. */
export function AccountPage() {
  const [account, setAccount] = useState<AccountView | null>(null);
  const [sessions, setSessions] = useState<OwnSessions['items']>([]);
  const load = useCallback(() => {
    void api.account().then(setAccount, () => undefined);
    void api.sessions().then(
      ({ items }) => setSessions(items),
      () => undefined,
    );
  }, []);
  useEffect(load, [load]);
  if (account === null) return <p className="loading">Loading…</p>;
  return (
    <div className="account">
      <section className="card">
        <h2>Password</h2>
        <Form
          label="Change the password"
          done="Your password is changed. Everywhere else you are signed out."
          onSubmit={async ({ present = '', next = '' }) => api.changePassword(present, next).then(load)}
        >
          <Field label="Present password" name="present" type="password" autoComplete="current-password" />
          <Field
            label="New password"
            name="next"
            type="password"
            autoComplete="new-password"
            hint="At least 12 characters. Every other session of yours ends."
          />
        </Form>
      </section>
      <Codes account={account} onChange={load} />
      <Passkeys account={account} onChange={load} />
      <Sessions sessions={sessions} onChange={load} />
    </div>
  );
}

function Codes({ account, onChange }: { account: AccountView; onChange: () => void }) {
  const [settingUp, setSettingUp] = useState(false);
  const [codes, setCodes] = useState<readonly string[] | null>(null);
  const done = (): void => {
    setSettingUp(false);
    setCodes(null);
    onChange();
  };
  return (
    <section className="card">
      <h2>
        Authenticator app{' '}
        <Badge tone={account.codes ? 'good' : 'quiet'}>{account.codes ? 'asked for at sign-in' : 'not set up'}</Badge>
      </h2>
      {codes !== null ? (
        <RecoveryCodes codes={codes} onDone={done} />
      ) : settingUp ? (
        <SetUpCodes onDone={done} />
      ) : account.codes ? (
        <>
          <p>{account.recoveryCodesLeft} recovery codes are left.</p>
          <Form
            label="New recovery codes"
            plain
            onSubmit={async () => setCodes((await api.newRecoveryCodes()).recoveryCodes)}
          />
          {(!account.required || account.passkeys.length > 0) && (
            <Form label="Sign in without codes" plain onSubmit={async () => api.removeCodes().then(onChange)} />
          )}
        </>
      ) : (
        <>
          <p>
            With codes from an app on your phone, a stolen password is not enough to get in. Wherever else you are
            signed in, you are signed out then.
          </p>
          <button onClick={() => setSettingUp(true)}>Set up codes</button>
        </>
      )}
    </section>
  );
}

function Passkeys({ account, onChange }: { account: AccountView; onChange: () => void }) {
  return (
    <section className="card">
      <h2>Passkeys</h2>
      <p>
        A fingerprint, face or PIN of your own device instead of password and code. No look-alike page can ask for it.
        When you add or remove one, you are signed out everywhere else.
      </p>
      <ul className="rows">
        {account.passkeys.map((passkey) => (
          <li key={passkey.id}>
            <strong>{passkey.name}</strong>
            <small>
              added {time(passkey.createdAt)},{' '}
              {passkey.lastUsedAt === null ? 'not used yet' : `used ${time(passkey.lastUsedAt)}`}
            </small>
            <Form label="Remove" plain onSubmit={async () => api.removePasskey(passkey).then(onChange)} />
          </li>
        ))}
      </ul>
      {'PublicKeyCredential' in window ? (
        <Form label="Add a passkey" onSubmit={async ({ name = '' }) => api.addPasskey(name).then(onChange)}>
          <Field label="Name" name="name" hint="To tell it from others: Laptop, Phone, Key on the ring." />
        </Form>
      ) : (
        <p className="fine">This browser has no passkeys, or the page did not come over a secure connection.</p>
      )}
    </section>
  );
}

function Sessions({ sessions, onChange }: { sessions: OwnSessions['items']; onChange: () => void }) {
  return (
    <section className="card wide">
      <h2>Where you are signed in</h2>
      <ul className="rows">
        {sessions.map((session) => (
          <li key={session.id}>
            <strong title={session.userAgent}>{browserName(session.userAgent)}</strong>
            <small>
              from {session.address === '' ? 'an unknown address' : session.address} by{' '}
              {session.method.replaceAll('-', ' ')}, last seen {time(session.lastSeenAt)}
            </small>
            {session.current ? (
              <Badge tone="good">here</Badge>
            ) : (
              <Form label="Sign out" plain onSubmit={async () => api.endSession(session.id).then(onChange)} />
            )}
          </li>
        ))}
      </ul>
      {sessions.length > 1 && (
        <Form label="Sign out everywhere else" plain onSubmit={async () => api.endOtherSessions().then(onChange)} />
      )}
    </section>
  );
}
