import { useCallback, useEffect, useState } from 'react';

/** What the server says, read again on request. While it is null, `error` says whether there is more to wait for. */
export function useLoaded<T>(load: () => Promise<T>): { value: T | null; error: string; reload: () => void } {
  const [value, setValue] = useState<T | null>(null);
  const [error, setError] = useState('');
  // Callers pass a new function with each drawing; what it loads is the same.
  const [first] = useState(() => load);
  const reload = useCallback(() => {
    first().then(
      (next) => {
        setValue(next);
        setError('');
      },
      (reason: unknown) => setError(reason instanceof Error ? reason.message : 'That could not be read.'),
    );
  }, [first]);
  useEffect(reload, [reload]);
  return { value, error, reload };
}
