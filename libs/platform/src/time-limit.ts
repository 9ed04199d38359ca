/**
 * A signal that aborts when a time has passed. `AbortSignal.timeout` does not do where it is combined with others: Node 20
 * lets the garbage collector take a timeout that only `AbortSignal.any` knows of, and then nothing ever aborts.
 */
export function timeLimit(ms: number): AbortSignal {
  const limit = new AbortController();
  const seconds = ms / 1000;
  setTimeout(() => limit.abort(new DOMException(`It took more than ${seconds} s.`, 'TimeoutError')), ms).unref();
  return limit.signal;
}
