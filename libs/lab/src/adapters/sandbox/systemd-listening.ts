import { access, readFile } from 'node:fs/promises';

const yes = (): boolean => true;
const mayNotKnow = ({ code }: NodeJS.ErrnoException): boolean => code === 'EACCES' || code === 'EPERM';

/**
 * Whether systemd, the first process of a machine, answers systemctl(1) yet: to ask it before would start programs for
 * nothing. True as well for a user who may not look into the machine's files.
 * @param init its number on this host
 */
export async function isListening(init: number): Promise<boolean> {
  const program = await readFile(`/proc/${init}/comm`, 'utf8').catch(() => '');
  // Until it is systemd, its root is still the host's.
  if (program !== 'systemd\n') return false;
  return access(`/proc/${init}/root/run/systemd/private`).then(yes, mayNotKnow);
}
