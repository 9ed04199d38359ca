import fs from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseParagraph, paragraphs } from './control-fields.js';
import { parsePackages } from './packages-index.js';

const sha256 = 'b'.repeat(64);
const stanza = (more: Record<string, string | undefined> = {}): string =>
  Object.entries({
    Package: 'libssl3',
    Source: 'openssl',
    Version: '3.0.22-1',
    Architecture: 'amd64',
    Filename: 'pool/o/libssl3_3.0.22-1_amd64.deb',
    Size: '2000',
    SHA256: sha256,
    ...more,
  })
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}\n`]))
    .join('');

describe('a Packages index', () => {
  it('names for each file its bytes and the source package it was built from', () => {
    expect([...parsePackages(`${stanza()}\n${stanza({ Package: 'openssl', Source: undefined })}`)]).toMatchObject([
      {
        package: 'libssl3',
        version: '3.0.22-1',
        architecture: 'amd64',
        fileName: 'pool/o/libssl3_3.0.22-1_amd64.deb',
        sizeBytes: 2000,
        sha256,
        source: 'openssl',
        sourceVersion: '3.0.22-1',
        stanza: stanza(),
      },
      { package: 'openssl', source: 'openssl', sourceVersion: '3.0.22-1' },
    ]);
  });

  it('knows the version of a source package that differs from the binary one', () => {
    const [rebuilt] = parsePackages(stanza({ Version: '3.0.22-1+b2', Source: 'openssl (3.0.22-1)' }));
    expect(rebuilt).toMatchObject({ version: '3.0.22-1+b2', source: 'openssl', sourceVersion: '3.0.22-1' });
  });

  it.each(['Package', 'Version', 'Filename', 'Size', 'SHA256'])('leaves out what lacks its %s', (name) => {
    expect([...parsePackages(stanza({ [name]: undefined }))]).toEqual([]);
  });

  it.each([
    ['Size', 'large'],
    ['Size', '-1'],
    ['Size', ''],
    ['SHA256', 'B'.repeat(64)],
    ['SHA256', 'b'.repeat(63)],
  ])('leaves out what has %s "%s"', (name, value) => {
    expect([...parsePackages(stanza({ [name]: value }))]).toEqual([]);
  });

  it('never takes a field from a folded line', () => {
    const [item] = parsePackages(stanza({ Package: 'a\nDescription: x\n SHA256: 0\n Version: 9' }));
    expect(item).toMatchObject({ package: 'a', version: '3.0.22-1', sha256 });
  });

  it('reads real stanzas as the slow and plain reader does', () => {
    const text = fs.readFileSync(
      new URL('../../../../test/fixtures/debian/bookworm-security.Packages.subset', import.meta.url),
      'utf8',
    );
    const plain = [...paragraphs(text)].map((paragraph) => parseParagraph(paragraph));
    expect(plain.length).toBeGreaterThan(10);
    expect([...parsePackages(text)]).toMatchObject(
      plain.map((fields) => ({
        package: fields.get('package'),
        version: fields.get('version'),
        architecture: fields.get('architecture'),
        fileName: fields.get('filename'),
        sizeBytes: Number(fields.get('size')),
        sha256: fields.get('sha256'),
      })),
    );
  });
});
