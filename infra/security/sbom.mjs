// `npm run sbom [FILE]`: the software bill of materials of what runs in production, as CycloneDX JSON.
// Drawn from the lock file, since npm's own `npm sbom` leaves out packages that more than one other needs.
import { createHash, randomUUID } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');
const readJson = (file) => JSON.parse(fs.readFileSync(path.join(root, file), 'utf8'));
const nameOf = (key) => key.slice(key.lastIndexOf('node_modules/') + 'node_modules/'.length);
/** Scoped names keep their slash, and their @ is written out (package-url.org). */
const purlOf = (name, version) => `pkg:npm/${name.replace(/^@/, '%40')}@${version}`;

function component([key, { version, license, integrity, optional, peer }]) {
  const name = nameOf(key);
  return {
    type: 'library',
    'bom-ref': `${key}@${version}`,
    name,
    version,
    // Binaries of other platforms and peers that nobody asked for stand in the lock file too.
    scope: optional || peer ? 'optional' : 'required',
    hashes: [{ alg: 'SHA-512', content: Buffer.from(integrity.slice('sha512-'.length), 'base64').toString('hex') }],
    licenses: [{ expression: license }],
    purl: purlOf(name, version),
  };
}

/** @returns the bill as CycloneDX 1.6; the same lock file gives the same components in the same order */
export function billOfMaterials(now = new Date()) {
  const { name, version, license } = readJson('package.json');
  const lock = readJson('package-lock.json');
  const shipped = Object.entries(lock.packages)
    .filter(([key, entry]) => key.includes('node_modules/') && !entry.link && !entry.dev)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${randomUUID()}`,
    version: 1,
    metadata: {
      timestamp: now.toISOString(),
      component: { type: 'application', 'bom-ref': name, name, version, licenses: [{ expression: license }] },
      properties: [
        {
          name: 'package-lock:sha256',
          value: createHash('sha256').update(JSON.stringify(lock.packages)).digest('hex'),
        },
      ],
    },
    components: shipped.map(component),
  };
}

if (import.meta.filename === process.argv[1]) {
  const file = process.argv[2] ?? path.join(root, '.data/sbom.cdx.json');
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, `${JSON.stringify(billOfMaterials(), null, 2)}\n`);
  process.stdout.write(`${file}\n`);
}
