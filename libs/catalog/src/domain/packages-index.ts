import type { Artefact } from '@vouch/contracts';
import { paragraphs } from './control-fields.js';

/** A package of an index: the artefact, the source package it was built from, and the vendor's stanza unchanged. */
export interface IndexedPackage extends Artefact {
  readonly source: string;
  readonly sourceVersion: string;
  readonly stanza: string;
}

/**
 * Reads a Packages index. A stanza that lacks a name, a version, a file, its size or its SHA-256 cannot be bound to bytes and is left out.
 * Source: Debian repository format, "Packages" indices.
 */
export function* parsePackages(text: string): Generator<IndexedPackage> {
  for (const stanza of paragraphs(text)) {
    const name = field(stanza, 'Package');
    const version = field(stanza, 'Version');
    const fileName = field(stanza, 'Filename');
    const sha256 = field(stanza, 'SHA256');
    const size = field(stanza, 'Size');
    if (!name || !version || !fileName || !sha256 || !/^[0-9a-f]{64}$/.test(sha256)) continue;
    if (size === undefined || !/^\d{1,15}$/.test(size)) continue;
    const source = /^(\S+)(?:\s+\((\S+)\))?$/.exec(field(stanza, 'Source') ?? name);
    yield {
      package: name,
      version,
      architecture: field(stanza, 'Architecture') ?? 'all',
      fileName,
      sizeBytes: Number(size),
      sha256,
      source: source?.[1] ?? name,
      sourceVersion: source?.[2] ?? version,
      stanza,
    };
  }
}

/** One single-line field. Looked for directly, since splitting 60,000 stanzas into maps takes seconds. */
function field(stanza: string, name: string): string | undefined {
  const label = `${name}:`;
  const start = stanza.startsWith(label) ? 0 : stanza.indexOf(`\n${label}`) + 1;
  if (start === 0 && !stanza.startsWith(label)) return undefined;
  const from = start + label.length;
  const end = stanza.indexOf('\n', from);
  return stanza.slice(from, end < 0 ? undefined : end).trim();
}
