import { useEffect, useState } from 'react';

const place = (): string[] => window.location.hash.replace(/^#\/?/, '').split('/');

/** Where in the console one is, as the part of the address after `#/` says: it never leaves the browser. */
export function usePlace(): string[] {
  const [now, setNow] = useState(place);
  useEffect(() => {
    const follow = (): void => setNow(place());
    window.addEventListener('hashchange', follow);
    return () => window.removeEventListener('hashchange', follow);
  }, []);
  return now;
}
