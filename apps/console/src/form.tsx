import { useState, type FormEvent, type ReactNode } from 'react';

interface Props {
  /** What the button says, and says while it works. */
  readonly label: string;
  readonly busy?: string;
  readonly onSubmit: (values: Readonly<Record<string, string>>) => Promise<unknown>;
  readonly children?: ReactNode;
  readonly plain?: boolean;
  /** What to say when it worked, if the page does not show it. */
  readonly done?: string;
}

/** A form that says what went wrong, and cannot be sent twice at once. */
export function Form({ label, busy = 'One moment…', onSubmit, children, plain = false, done = '' }: Props) {
  const [error, setError] = useState('');
  const [working, setWorking] = useState(false);
  const [worked, setWorked] = useState(false);
  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const form = event.currentTarget;
    const values = Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, String(value)]));
    setWorking(true);
    setError('');
    setWorked(false);
    try {
      await onSubmit(values);
      form.reset();
      setWorked(true);
    } catch (reason) {
      setError(reason instanceof Error ? reason.message : 'That did not work.');
    } finally {
      setWorking(false);
    }
  };
  return (
    <form onSubmit={(event) => void submit(event)}>
      {children}
      <button disabled={working} className={plain ? 'plain' : undefined}>
        {working ? busy : label}
      </button>
      <p role="alert" className="error">
        {error}
      </p>
      {done !== '' && <p role="status">{worked ? done : ''}</p>}
    </form>
  );
}

interface FieldProps {
  readonly label: string;
  readonly name: string;
  readonly type?: string;
  readonly autoComplete?: string;
  readonly hint?: string;
  readonly value?: string;
  readonly required?: boolean;
  readonly autoFocus?: boolean;
}

export function Field({ label, hint, value, required = true, ...input }: FieldProps) {
  return (
    <label>
      {label}
      <input {...input} required={required} defaultValue={value} />
      {hint !== undefined && <small>{hint}</small>}
    </label>
  );
}
