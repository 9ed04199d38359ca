/**
 * What some work comes to, unless a signal aborts first. The work itself is not ended by that: whoever calls this ends
 * what it waits for.
 * @throws the signal's reason
 */
export async function beforeAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  work.catch(() => undefined);
  signal.throwIfAborted();
  let giveUp = (): void => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    giveUp = () => reject(signal.reason as Error);
    signal.addEventListener('abort', giveUp, { once: true });
  });
  return Promise.race([work, aborted]).finally(() => signal.removeEventListener('abort', giveUp));
}
