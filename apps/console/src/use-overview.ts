import { useCallback, useEffect, useRef, useState } from 'react';
import type { Overview } from '@vouch/contracts';
import { api, Problem } from './api.js';

export type Connection = 'connecting' | 'live' | 'reconnecting';

interface State {
  readonly overview: Overview | null;
  readonly signedOut: boolean;
  /** Signed in as somebody who has no customers: who runs the installation. */
  readonly elsewhere: boolean;
  readonly connection: Connection;
  readonly error: string;
  readonly reload: () => void;
}

/** Many changes at once ask for one new picture. */
const SETTLE_MS = 150;
const REOPEN_MS = 3_000;

/** Reads the overview, and reads it again whenever the server says that something changed. */
export function useOverview(): State {
  const [overview, setOverview] = useState<Overview | null>(null);
  const [signedOut, setSignedOut] = useState(false);
  const [elsewhere, setElsewhere] = useState(false);
  const [connection, setConnection] = useState<Connection>('connecting');
  const [error, setError] = useState('');
  const timer = useRef<number | undefined>(undefined);
  const latest = useRef(0);

  const load = useCallback(async () => {
    const mine = ++latest.current;
    try {
      const next = await api.overview();
      if (mine !== latest.current) return;
      setOverview(next);
      setSignedOut(false);
      setElsewhere(false);
      setError('');
    } catch (reason) {
      if (mine !== latest.current) return;
      if (reason instanceof Problem && (reason.status === 401 || reason.code.startsWith('second-factor')))
        setSignedOut(true);
      else if (reason instanceof Problem && reason.code === 'access-denied') {
        setSignedOut(false);
        setElsewhere(true);
      } else setError('The server does not answer; what you see may be old.');
    }
  }, []);

  const soon = useCallback(() => {
    timer.current ??= window.setTimeout(() => {
      timer.current = undefined;
      void load();
    }, SETTLE_MS);
  }, [load]);

  useEffect(() => {
    void load();
    return () => window.clearTimeout(timer.current);
  }, [load]);

  useEffect(() => (signedOut || elsewhere ? undefined : listen(setConnection, soon)), [signedOut, elsewhere, soon]);

  return { overview, signedOut, elsewhere, connection, error, reload: () => void load() };
}

/**
 * Listens for changes until the returned function is called. The browser reconnects by itself after a lost connection,
 * but gives up for good when a proxy answers in place of the server: then we try again.
 */
function listen(onConnection: (connection: Connection) => void, onChange: () => void): () => void {
  let source: EventSource;
  let retry: number | undefined;
  const open = (): void => {
    source = new EventSource('/api/v1/live');
    source.onopen = () => {
      onConnection('live');
      onChange();
    };
    source.onerror = () => {
      onConnection('reconnecting');
      onChange();
      if (source.readyState === EventSource.CLOSED) retry = window.setTimeout(open, REOPEN_MS);
    };
    source.addEventListener('change', onChange);
    source.addEventListener('resync', onChange);
  };
  open();
  return () => {
    window.clearTimeout(retry);
    source.close();
  };
}
