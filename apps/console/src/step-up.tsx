import { useEffect, useRef, useState } from 'react';
import type { AccountView } from '@vouch/contracts';
import { api, onStepUpNeeded } from './api.js';
import { Field, Form } from './form.js';

/** Asks people to prove again who they are, when something that they want to do needs it, and goes on with it then. */
export function StepUp() {
  const dialog = useRef<HTMLDialogElement>(null);
  const answer = useRef<(proved: boolean) => void>(() => undefined);
  const [account, setAccount] = useState<AccountView | null>(null);
  useEffect(() => {
    onStepUpNeeded(async () => {
      setAccount(await api.account());
      dialog.current?.showModal();
      return new Promise((resolve) => {
        answer.current = resolve;
      });
    });
  }, []);
  const close = (proved: boolean): void => {
    answer.current(proved);
    answer.current = () => undefined;
    setAccount(null);
    dialog.current?.close();
  };
  return (
    <dialog ref={dialog} onClose={() => close(false)} aria-labelledby="step-up-title">
      <h2 id="step-up-title">Is it still you?</h2>
      <p>This can do harm, so we ask again. You are not asked for the next ten minutes.</p>
      {account !== null && (
        <>
          {(account.codes || account.passkeys.length === 0) && (
            <Form
              label="Go on"
              onSubmit={async ({ password = '', code = '' }) => api.stepUp(password, code).then(() => close(true))}
            >
              <Field label="Password" name="password" type="password" autoComplete="current-password" />
              {account.codes && <Field label="Code" name="code" autoComplete="one-time-code" />}
            </Form>
          )}
          {account.passkeys.length > 0 && (
            <Form label="Use a passkey" onSubmit={async () => api.provePasskey().then(() => close(true))} plain />
          )}
        </>
      )}
      <button className="plain" onClick={() => close(false)}>
        Cancel
      </button>
    </dialog>
  );
}
