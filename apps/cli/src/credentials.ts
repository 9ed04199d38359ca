import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { UsageProblem } from './exit-codes.js';

export interface Credentials {
  readonly url: string;
  readonly key: string;
}

export const DEFAULT_FILE = path.join(os.homedir(), '.config', 'vouch', 'credentials.json');

/** Keeps the key where only its owner reads it. */
export async function saveCredentials(file: string, credentials: Credentials): Promise<void> {
  await fs.mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  await fs.writeFile(`${file}.part`, `${JSON.stringify(credentials, null, 2)}\n`, { mode: 0o600 });
  await fs.chmod(`${file}.part`, 0o600);
  await fs.rename(`${file}.part`, file);
}

/** @throws UsageProblem when others could read or have changed the file */
export async function loadCredentials(file: string): Promise<Partial<Credentials>> {
  const stat = await fs.stat(file).catch(() => undefined);
  if (stat === undefined) return {};
  if ((stat.mode & 0o077) !== 0) throw new UsageProblem(`Others can read ${file}. Run: chmod 600 ${file}`);
  try {
    const { url, key } = JSON.parse(await fs.readFile(file, 'utf8')) as Partial<Credentials>;
    return { ...(typeof url === 'string' ? { url } : {}), ...(typeof key === 'string' ? { key } : {}) };
  } catch {
    throw new UsageProblem(`${file} is not readable. Run \`vouch login\` again.`);
  }
}

export async function forgetCredentials(file: string): Promise<void> {
  await fs.rm(file, { force: true });
}
