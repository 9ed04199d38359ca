import { useEffect, useState } from 'react';
import { api } from './api.js';
import { Field, Form } from './form.js';
import { Door } from './sign-in.js';
import { roles } from './words.js';

const PASSWORD_HINT = 'At least 12 characters. A few unrelated words are good.';

/** Where the link of an invitation leads. */
export function Invitation({ secret, onDone }: { secret: string; onDone: () => void }) {
  const [open, setOpen] = useState<{ email: string; organisation: string; role: string } | null>(null);
  const [error, setError] = useState('');
  useEffect(() => {
    void api.lookAtInvitation(secret).then(setOpen, (reason: Error) => setError(reason.message));
  }, [secret]);
  return (
    <Door>
      {open === null ? (
        <p role="alert">{error === '' ? 'One moment…' : error}</p>
      ) : (
        <>
          <p>
            You are invited to <strong>{open.organisation}</strong> as {roles[open.role] ?? open.role}.
          </p>
          <Form
            label="Join"
            onSubmit={async ({ name = '', password = '' }) => api.acceptInvitation(secret, name, password).then(onDone)}
          >
            <Field label="Your name" name="name" autoComplete="name" autoFocus />
            <Field label="E-mail" name="email" type="email" autoComplete="username" value={open.email} />
            <Field label="Password" name="password" type="password" autoComplete="new-password" hint={PASSWORD_HINT} />
          </Form>
        </>
      )}
    </Door>
  );
}

/** Where the link of a forgotten password leads. */
export function NewPassword({ secret, onDone }: { secret: string; onDone: () => void }) {
  return (
    <Door>
      <p>Choose a new password. Every session of yours ends, and you sign in with it.</p>
      <Form
        label="Set the password"
        onSubmit={async ({ password = '' }) => api.resetPassword(secret, password).then(onDone)}
      >
        <Field
          label="New password"
          name="password"
          type="password"
          autoComplete="new-password"
          hint={PASSWORD_HINT}
          autoFocus
        />
      </Form>
    </Door>
  );
}
