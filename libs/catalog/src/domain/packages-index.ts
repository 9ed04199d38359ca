import type { Artefact } from '@vouch/contracts';
import { paragraphs } from './control-fields.js';

/** A package of an index: the artefact, the source package it was built from, and the vendor's stanza unchanged. */
export interface IndexedPackage extends Artefact {
  readonly source: string;
  readonly sourceVersion: string;
  readonly stanza: string;
}

/**
 * Reads a Packages index. A stanza that lacks a name, a version, a file or a SHA-256 cannot be bound to bytes and is left out.
 * Source: Debian repository format, "Packages" indices.
 */
export function* parsePackages(text: string): Generator<IndexedPackage> {
  for (const stanza of paragraphs(text)) {
    const name = field(stanza, 'Package');
    const version = field(stanza, 'Version');
    const fileName = field(stanza, 'Filename');
    const sha256 = field(stanza, 'SHA256');
    const size = Number(field(stanza, 'Size'));
    if (!name || !version || !fileName || !sha256 || !/^[0-9a-f]{64}$/.test(sha256) || !Number.isSafeInteger(size))
      continue;
    const source = /^(\S+)(?:\s+\((\S+)\))?$/.exec(field(stanza, 'Source') ?? name);
    yield {
      package: name,
      version,
      architecture: field(stanza, 'Architecture') ?? 'all',
      fileName,
      sizeBytes: size,
      sha256,
      source: source?.[1] ?? name,
      sourceVersion: source?.[2] ?? version,
      stanza,
    };
  }
}

/** One single-line field. Looked for directly, since splitting 60,000 stanzas into maps takes seconds. */
function field(stanza: string, name: string): string | undefined {
  const start = stanza.startsWith(`${name}: `) ? 0 : stanza.indexOf(`\n${name}: `) + 1;
  if (start === 0 && !stanza.startsWith(`${name}: `)) return undefined;
  const from = start + name.length + 2;
  const end = stanza.indexOf('\n', from);
  return stanza.slice(from, end < 0 ? undefined : end).trim();
}
