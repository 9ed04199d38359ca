import type { Artefact } from '@vouch/contracts';
import { sha256Hex, type ContentStore } from '@vouch/platform';
import { ArtefactDigestMismatch, ArtefactNotAPackage } from '../../domain/errors.js';
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
  const bytes = await fetchBytes(`${uri}/${artefact.fileName}`, {
    maxBytes: artefact.sizeBytes,
    timeoutMs: TIMEOUT_MS,
  });
  const actual = sha256Hex(bytes);
  if (actual !== artefact.sha256) throw new ArtefactDigestMismatch(artefact.fileName, artefact.sha256, actual);
  if (!bytes.subarray(0, DEB_START.length).equals(DEB_START)) throw new ArtefactNotAPackage(artefact.fileName);
  await store.put(bytes, artefact.sha256);
}
