import type { Artefact } from '@vouch/contracts';
import { sha256Hex, type ContentStore } from '@vouch/platform';
import { ArtefactDigestMismatch, ArtefactNotAPackage, ResponseTooLong } from '../../domain/errors.js';
import { fetchBytes } from './fetch-bytes.js';

const TIMEOUT_MS = 300_000;
/** An ar archive whose first member is `debian-binary`. Source: deb(5). */
const DEB_START = Buffer.from('!<arch>\ndebian-binary   ');

/**
 * Brings the exact bytes of an artefact into the content store.
 * @param uri of the source, below which the artefact's file name stands
 * @throws ArtefactDigestMismatch, ArtefactNotAPackage, MirrorUnreachable; nothing is kept then
 */
export async function downloadArtefact(uri: string, artefact: Artefact, store: ContentStore): Promise<void> {
  if (await store.has(artefact.sha256)) return;
  const { fileName, sizeBytes } = artefact;
  const bytes = await fetchBytes(`${uri}/${fileName}`, { maxBytes: sizeBytes, timeoutMs: TIMEOUT_MS }).catch(
    (error: unknown) => {
      if (!(error instanceof ResponseTooLong)) throw error;
      throw new ArtefactDigestMismatch(fileName, artefact.sha256, `more than its ${sizeBytes} bytes`);
    },
  );
  const actual = sha256Hex(bytes);
  if (actual !== artefact.sha256) throw new ArtefactDigestMismatch(fileName, artefact.sha256, `SHA-256 ${actual}`);
  if (!bytes.subarray(0, DEB_START.length).equals(DEB_START)) throw new ArtefactNotAPackage(fileName);
  await store.put(bytes, artefact.sha256);
}
