import { MirrorUnreachable, ResponseTooLong } from '../../domain/errors.js';

export interface FetchLimits {
  readonly maxBytes: number;
  readonly timeoutMs: number;
}

/**
 * Fetches a file from a mirror, and stops at a limit of bytes and time: a mirror may be slow, endless or hostile.
 * @throws MirrorUnreachable, ResponseTooLong
 */
export async function fetchBytes(url: string, { maxBytes, timeoutMs }: FetchLimits): Promise<Buffer> {
  const host = new URL(url).host;
  let response: Response;
  try {
    response = await fetch(url, {
      signal: AbortSignal.timeout(timeoutMs),
      redirect: 'follow',
      // Packed again on the way, a file would not have the digest that the index names.
      headers: { 'cache-control': 'no-cache', 'accept-encoding': 'identity' },
    });
  } catch (error) {
    throw new MirrorUnreachable(`${host}: ${reasonOf(error)}`);
  }
  if (!response.ok || response.body === null) {
    await response.body?.cancel();
    throw new MirrorUnreachable(`${host} answered ${response.status} for ${new URL(url).pathname}`);
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response.body) {
      bytes += chunk.byteLength;
      if (bytes > maxBytes) throw new ResponseTooLong(new URL(url).pathname, maxBytes);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof ResponseTooLong) throw error;
    throw new MirrorUnreachable(`${host}: ${reasonOf(error)}`);
  }
  return Buffer.concat(chunks);
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? error.cause.message : '';
  return error.name === 'TimeoutError' ? 'no answer in time' : cause || error.message;
}
