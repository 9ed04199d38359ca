// Real security updates: whatever the distribution's security suite has newer than the release suite, found when it runs.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { describe } from './packages.mjs';

const run = (program, args, options = {}) =>
  execFileSync(program, args, { encoding: 'utf8', maxBuffer: 1e8, ...options });

/**
 * The security updates that a golden has not got, by source package, with their versions.
 * @returns {Map<string, string[]>} `name=version` of each binary package
 */
export function securityUpdates(golden) {
  const listing = run('apt-cache', ['madison', ...golden.components.map((component) => component.package)]);
  const newest = new Map();
  for (const line of listing.split('\n')) {
    const [name, version, source = ''] = line.split('|').map((column) => column.trim());
    if (/-security[ /]/.test(source) && !newest.has(name)) newest.set(name, version);
  }
  const updates = new Map();
  for (const { package: name, version, source } of golden.components) {
    const offered = newest.get(name);
    if (offered === undefined || !isNewer(offered, version)) continue;
    updates.set(source, [...(updates.get(source) ?? []), `${name}=${offered}`]);
  }
  return updates;
}

/** Fetches the exact files, or finds those that were fetched before. */
export function download(wanted, cache) {
  const folder = path.join(cache, createHash('sha256').update(wanted.join()).digest('hex').slice(0, 16));
  fs.mkdirSync(folder, { recursive: true });
  const debs = () => fs.readdirSync(folder).filter((name) => name.endsWith('.deb'));
  if (debs().length < wanted.length)
    run('apt-get', ['-q', '-o', 'APT::Sandbox::User=root', 'download', ...wanted], { cwd: folder, stdio: 'pipe' });
  return debs().map((name) => describe(path.join(folder, name)));
}

function isNewer(a, b) {
  try {
    run('dpkg', ['--compare-versions', a, 'gt', b]);
    return true;
  } catch {
    return false;
  }
}
