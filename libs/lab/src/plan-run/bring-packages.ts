import { createReadStream } from 'node:fs';
import type { Artefact } from '@vouch/contracts';
import { KNOWN_QUESTIONS } from '../domain/install-questions.js';
import type { LabMachine } from '../lab-machine.port.js';
import type { StepResult } from './run-recorder.js';
import { failure } from './step-failure.js';

/** In memory, so that the packages themselves are no part of what the patch wrote. */
const INBOX = '/tmp/vouch-artefacts';

/** Packages that lie in a machine, and what is known before they are installed. */
export interface Brought {
  /** Their files inside, in the order of the artefacts. */
  readonly debs: readonly string[];
  /** What {@link KNOWN_QUESTIONS} printed. */
  readonly knownQuestions: string;
}

/** One script for all files, since a process for each question would take longer than the answers. */
const QUESTIONS = `sha256sum "$@"
for deb; do
  echo "== package"
  if dpkg-deb --show --showformat='\${Package} \${Version} \${Architecture}\\n\${Installed-Size}\\n' "$deb" 2> "$deb.said"
  then echo "is one"
  else cat "$deb.said"
  fi
done
echo "== disk"
df -P -k /
echo "== questions"
${KNOWN_QUESTIONS}`;

/**
 * Brings a patch's files into a machine, and sees there that they are what they are said to be and that they fit.
 * @param files path on this host by SHA-256
 */
export async function bringPackages(
  machine: LabMachine,
  artefacts: readonly Artefact[],
  files: ReadonlyMap<string, string>,
  signal: AbortSignal,
): Promise<Brought | { readonly failed: StepResult }> {
  const debs: string[] = [];
  for (const artefact of artefacts) {
    const deb = `${INBOX}/${artefact.sha256}.deb`;
    const file = files.get(artefact.sha256);
    if (file === undefined) return mismatch(artefact, 'its bytes were not handed to the lab');
    await machine.put(deb, createReadStream(file));
    debs.push(deb);
  }
  const { stdout } = await machine.exec(['sh', '-c', QUESTIONS, 'sh', ...debs], { signal });
  // What was called off has said nothing.
  signal.throwIfAborted();
  const [sums = '', ...rest] = stdout.split(/^== .*\n/m);
  const [knownQuestions = '', disk = '', ...packages] = [...rest].reverse();
  packages.reverse();
  let neededKiB = 0;
  for (const [index, artefact] of artefacts.entries()) {
    const sum = sums.split('\n')[index] ?? '';
    if (!sum.startsWith(artefact.sha256)) return mismatch(artefact, `the lab has ${sum.slice(0, 64)}`);
    const said = readPackage(artefact, packages[index] ?? '');
    if ('wrong' in said) return { failed: failure('patch', 'artefact-not-a-package', said.wrong) };
    neededKiB += said.installedKiB;
  }
  const freeKiB = Number(disk.trim().split('\n').at(-1)?.split(/\s+/)[3]);
  if (neededKiB <= freeKiB) return { debs, knownQuestions };
  const [needs, has] = [neededKiB, freeKiB].map((kib) => `${Math.ceil(kib / 1024)} MiB`);
  const message = `Installed, the patch takes ${needs}; machines of this lab have ${has}.`;
  return { failed: failure('lab', 'cannot-exercise', message) };
}

/**
 * What a file says of itself. The bytes are the vendor's; if they are no package, or another one than they are called, that
 * is the vendor's doing.
 */
function readPackage(artefact: Artefact, said: string): { readonly wrong: string } | { readonly installedKiB: number } {
  if (!said.endsWith('\nis one\n')) return { wrong: `${artefact.fileName} is not a Debian package: ${said.trim()}` };
  const wanted = `${artefact.package} ${artefact.version} ${artefact.architecture}`;
  const [name = '', installedKiB = ''] = said.split('\n');
  return name === wanted
    ? { installedKiB: Number(installedKiB) || 0 }
    : { wrong: `${artefact.fileName} says that it is "${name}", not "${wanted}".` };
}

const mismatch = (artefact: Artefact, why: string): { readonly failed: StepResult } => ({
  failed: failure(
    'lab',
    'artefact-digest-mismatch',
    `${artefact.fileName} is not the file with SHA-256 ${artefact.sha256}: ${why}.`,
  ),
});
