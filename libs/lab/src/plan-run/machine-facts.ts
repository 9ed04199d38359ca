import type { Component } from '@vouch/contracts';
import { EXEC_LIMIT_MS, mustExec, type LabMachine } from '../lab-machine.port.js';

/** Also where nobody else sets one: a profile's own data may keep a program from ending. */
const LIMIT = { timeoutMs: EXEC_LIMIT_MS } as const;

/** Every package that is installed in a machine, in the order of their names. */
export async function installedComponents(machine: Pick<LabMachine, 'exec'>): Promise<Component[]> {
  const fields = ['Package', 'Version', 'Architecture', 'source:Package', 'source:Version', 'db:Status-Abbrev'];
  const format = `${fields.map((field) => `\${${field}}`).join('\\t')}\\n`;
  const text = await mustExec(machine, 'Listing the packages', ['dpkg-query', '-W', `-f=${format}`], LIMIT);
  return text
    .split('\n')
    .map((line) => line.split('\t'))
    .filter((columns) => columns[5]?.startsWith('ii'))
    .map(([name = '', version = '', architecture = '', source = '', sourceVersion = '']) => ({
      package: name,
      version,
      architecture,
      source,
      sourceVersion,
    }))
    .sort((a, b) => (`${a.package}:${a.architecture}` < `${b.package}:${b.architecture}` ? -1 : 1));
}

/** Units of the services that run now, without users' sessions. */
export async function runningServices(machine: Pick<LabMachine, 'exec'>): Promise<string[]> {
  const list = 'systemctl list-units --type=service --state=running --plain --no-legend --no-pager';
  const text = await mustExec(machine, 'Listing the services', list, LIMIT);
  return text
    .split('\n')
    .map((line) => line.trim().split(/\s+/)[0] ?? '')
    .filter((unit) => unit !== '' && !/^(user@|session-)/.test(unit))
    .sort();
}
