import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { Artefact, Component, PlanStep, TestPlan } from '@vouch/contracts';

/** What is done with a machine, by which plan. */
export interface Errand {
  /** The machine's name, unique on its host. */
  readonly name: string;
  readonly plan: TestPlan;
  /** Nothing is installed, and nothing taken back, when there are none: a control run. */
  readonly artefacts: readonly Artefact[];
  /** Where the bytes of each artefact lie, by SHA-256. */
  readonly files: ReadonlyMap<string, string>;
  /** Hears what happens in the machine while it happens. */
  readonly onOutput?: (step: PlanStep, text: string) => void;
}

/** Which artefact's file holds other bytes than it is named by; null when none does. */
export async function whyWrongBytes({ artefacts, files }: Errand): Promise<string | null> {
  for (const { sha256, fileName } of artefacts) {
    const file = files.get(sha256);
    const actual = file === undefined ? 'nothing' : await digestOf(file);
    if (actual !== sha256) return `${fileName}: got ${actual}, not ${sha256}.`;
  }
  return null;
}

/**
 * A golden that has nothing of the patch, or has a part in this version already, has nothing to say about it. A package
 * may be new beside others that are not: a new kernel comes under a new name. A control run has no patch to ask about.
 */
export function whyPointless(artefacts: readonly Artefact[], installed: readonly Component[]): string | null {
  const own = new Map(installed.map((component) => [component.package, component.version]));
  const present = artefacts.find((artefact) => own.get(artefact.package) === artefact.version);
  if (present !== undefined) return `${present.package} ${present.version} is in this environment already.`;
  if (artefacts.length === 0 || artefacts.some((artefact) => own.has(artefact.package))) return null;
  return `${artefacts.map((artefact) => artefact.package).join(', ')} is not installed in this environment.`;
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
