import { useState, type FormEvent } from 'react';
import { api } from './api.js';

export function SignIn({ onDone }: { onDone: () => void }) {
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);

  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    setError('');
    try {
      await api.signIn(String(form.get('email')), String(form.get('password')));
      onDone();
    } catch (reason) {
      setError(reason instanceof Error ? reason.message : 'That did not work.');
    } finally {
      setBusy(false);
    }
  };

  return (
    <main className="sign-in">
      <h1>
        <img src="/vouch.svg" alt="" width="32" height="32" /> Vouch
      </h1>
      <p>Patches, tested once and approved with evidence.</p>
      <form onSubmit={(event) => void submit(event)}>
        <label>
          E-mail
          <input name="email" type="email" autoComplete="username" required autoFocus />
        </label>
        <label>
          Password
          <input name="password" type="password" autoComplete="current-password" required />
        </label>
        <button disabled={busy}>{busy ? 'Signing in…' : 'Sign in'}</button>
        <p role="alert" className="error">
          {error}
        </p>
      </form>
    </main>
  );
}
