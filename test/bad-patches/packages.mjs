// Builds the packages of the corpus: the shop in its old version, and every good or bad patch of it.
import { execFileSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';

const here = import.meta.dirname;
const POSTINST = `#!/bin/sh
set -e
[ "$1" = configure ] || exit 0
[ -d /run/systemd/system ] || { systemctl enable acme-shop.service; exit 0; }
systemctl daemon-reload
systemctl enable --quiet acme-shop.service
systemctl restart acme-shop.service
`;

/**
 * @typedef {{ artefact: import('@vouch/contracts').Artefact, file: string }} PatchFile
 * @typedef {{ name: string, does: string, caughtBy?: string, package?: string, preinst?: string, postinst?: string,
 *   prerm?: string, config?: string, templates?: string, says?: string, triggers?: string, links?: Record<string, string>, startup?: string, request?: string, control?: Record<string, string>, files?: Record<string, string>,
 *   replace?: Record<string, string>, append?: Record<string, string>, write?: Record<string, string>,
 *   replaceIn?: Record<string, [string, string]> }} CorpusPatch
 */

/** @param {'good' | 'bad'} kind @returns {CorpusPatch[]} */
export const corpus = (kind) => parse(fs.readFileSync(path.join(here, `${kind}.yaml`), 'utf8'));

/** The shop and the package that it needs, as they are before any patch. @returns {PatchFile[]} */
export function originals(folder) {
  const common = {
    'usr/share/acme/greeting.txt': 'shop is open',
  };
  return [
    build(folder, { Package: 'acme-common', Version: '1.0', Depends: 'perl' }, common, {}),
    shop(folder, '1.0', { name: 'original', does: 'nothing yet' }),
  ];
}

/** One patch of the corpus. @param {CorpusPatch} patch @returns {PatchFile[]} */
export function patchOf(folder, patch, vendorPackages) {
  if (patch.package === undefined) return [shop(folder, '2.0', patch)];
  return vendorPackages.map((vendor) =>
    vendor.artefact.package === patch.package ? repack(folder, vendor, patch) : vendor,
  );
}

/** Describes a package file by what it says itself. @returns {PatchFile} */
export function describe(file) {
  const format = '${Package}\n${Version}\n${Architecture}';
  const said = execFileSync('dpkg-deb', ['--show', `--showformat=${format}`, file], { encoding: 'utf8' });
  const [name, version, architecture] = said.split('\n');
  const bytes = fs.readFileSync(file);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const fileName = path.basename(file);
  return { file, artefact: { package: name, version, architecture, fileName, sizeBytes: bytes.length, sha256 } };
}

function shop(folder, version, patch) {
  const read = (name) => fs.readFileSync(path.join(here, 'shop', name), 'utf8');
  let server = read('server.pl')
    .replace('#STARTUP', () => patch.startup ?? '')
    .replace('#REQUEST', () => patch.request ?? '');
  for (const [from, to] of Object.entries(patch.replace ?? {})) server = server.replace(from, to);
  const files = {
    'usr/lib/acme-shop/server.pl': server,
    'usr/bin/acme-report': `#!/bin/sh\necho report of version ${version}\n`,
    'lib/systemd/system/acme-shop.service': read('acme-shop.service'),
    'etc/acme-shop/shop.conf': 'port=8081\n',
    ...Object.fromEntries(Object.entries(patch.files ?? {}).map(([name, text]) => [name.slice(1), text])),
  };
  const control = { Package: 'acme-shop', Version: version, Depends: 'acme-common, perl', ...patch.control };
  const scripts = {
    postinst: `${POSTINST}${patch.postinst ?? ''}\n`,
    ...(patch.preinst ? { preinst: `#!/bin/sh\nset -e\n${patch.preinst}\n` } : {}),
    ...(patch.prerm ? { prerm: `#!/bin/sh\nset -e\n${patch.prerm}\n` } : {}),
  };
  if (patch.config) scripts.config = `#!/bin/sh\nset -e\n${patch.config}\n`;
  for (const name of Object.keys(patch.links ?? {})) delete files[name.slice(1)];
  const more = { links: patch.links ?? {}, triggers: patch.triggers, templates: patch.templates };
  return build(folder, control, files, scripts, more);
}

function build(folder, control, files, scripts, { links = {}, triggers, templates } = {}) {
  const tree = path.join(folder, randomUUID());
  const write = (name, text, mode) => {
    fs.mkdirSync(path.dirname(path.join(tree, name)), { recursive: true });
    fs.writeFileSync(path.join(tree, name), text, { mode });
  };
  for (const [name, text] of Object.entries(files)) write(name, text, text.startsWith('#!') ? 0o755 : 0o644);
  for (const [name, text] of Object.entries(scripts)) write(`DEBIAN/${name}`, text, 0o755);
  if (templates !== undefined) write('DEBIAN/templates', templates);
  if (triggers !== undefined) write('DEBIAN/triggers', `${triggers}\n`);
  for (const [name, target] of Object.entries(links)) {
    fs.mkdirSync(path.dirname(path.join(tree, name)), { recursive: true });
    fs.symlinkSync(target, path.join(tree, name));
  }
  const settings = Object.keys(files).filter((name) => name.startsWith('etc/'));
  if (settings.length > 0) write('DEBIAN/conffiles', settings.map((name) => `/${name}\n`).join(''));
  const all = {
    Architecture: 'all',
    Maintainer: 'Vouch tests <tests@vouch.invalid>',
    Description: 'part of a corpus',
    ...control,
  };
  write(
    'DEBIAN/control',
    `${Object.entries(all)
      .map(([key, value]) => `${key}: ${value}`)
      .join('\n')}\n`,
  );
  return pack(tree, `${control.Package}_${control.Version}_all.deb`);
}

/** A vendor's own package with something changed in it. */
function repack(folder, vendor, patch) {
  const tree = path.join(folder, randomUUID());
  execFileSync('dpkg-deb', ['--raw-extract', vendor.file, tree]);
  const at = (name) => path.join(tree, name);
  for (const [name, text] of Object.entries(patch.append ?? {})) fs.appendFileSync(at(name), text);
  for (const [name, text] of Object.entries(patch.write ?? {})) fs.writeFileSync(at(name), text);
  for (const [name, [from, to]] of Object.entries(patch.replaceIn ?? {})) {
    const text = fs.readFileSync(at(name), 'utf8');
    if (!text.includes(from)) throw new Error(`${patch.name}: "${from}" is not in ${name}`);
    fs.writeFileSync(at(name), text.replace(from, to));
  }
  return pack(tree, path.basename(vendor.file));
}

function pack(tree, name) {
  const file = path.join(`${tree}-deb`, name);
  fs.mkdirSync(path.dirname(file));
  execFileSync('dpkg-deb', ['--root-owner-group', '-Zgzip', '-z1', '--build', tree, file], { stdio: 'ignore' });
  fs.rmSync(tree, { recursive: true });
  return describe(file);
}
