import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Artefact, Component, FileChange, PackageChange, PlanStep, ProbeResult } from '@vouch/contracts';
import { findingsOf, type ControlRecord } from '../domain/control.js';
import {
  beyondControl,
  compareLooks,
  completed,
  DERIVED_CHECKS,
  lookScript,
  MARK,
  onlyOf,
  pathsToWalk,
  packagesIn,
  readLook,
  resultOf,
  walkedOf,
  walkOf,
  WALK_SCRIPT,
  type Findings,
  type FirstLook,
  type Look,
} from '../domain/derived-checks/index.js';
import { fileDiff, packageDiff, type WrittenFiles } from '../domain/machine-diff.js';
import { mustExec, type LabMachine } from '../lab-machine.port.js';
import type { FirstLooks } from './first-looks.js';

const LOOK_LIMIT_MS = 60_000;
const AGAIN_MS = 700;

/** Looks at a machine before a patch and after it, and says what changed that the patch has to answer for. */
export class MachineObserver {
  /** Everything that was found, also what changes by itself. */
  readonly findings = new Map<PlanStep, Findings>();
  /** How the machine differed from before at each step that looked at it. */
  readonly changes = new Map<PlanStep, { packages: PackageChange[]; files: FileChange[] }>();
  /** How many things were found that also change without the patch. */
  ignored = 0;
  /** The last of {@link changes}, unless something was done to the machine since. */
  latest: { packages: PackageChange[]; files: FileChange[] } | undefined;
  private before: Look = new Map();
  private writtenBefore: WrittenFiles = new Map();
  private owned = new Set<string>();

  /** @param control null for a run that is a control itself */
  constructor(
    private readonly artefacts: readonly Artefact[],
    private readonly control: (() => Promise<ControlRecord>) | null,
    private readonly firstLooks: FirstLooks,
  ) {}

  /** Remembers how the machine is without the patch. */
  async remember(machine: LabMachine, goldenDigest: string): Promise<void> {
    const first = machine.writesApart === true ? this.firstLooks.find(goldenDigest) : undefined;
    if (first !== undefined && (await this.rememberWith(first, machine))) return;
    this.before = await this.look(machine, WALK_SCRIPT);
    // Later, so that what is written meanwhile counts as written.
    this.writtenBefore = await machine.written();
    if (machine.writesApart === true && first === undefined)
      this.firstLooks.keep(goldenDigest, {
        walked: walkedOf(this.before, DERIVED_CHECKS),
        written: this.writtenBefore,
      });
  }

  /** @returns false when too much has been written for it */
  private async rememberWith(first: FirstLook, machine: LabMachine): Promise<boolean> {
    const written = await machine.written();
    const paths = pathsToWalk(first.walked, first.written, written);
    const walk = walkOf(paths);
    if (walk === null) return false;
    this.before = completed(await this.look(machine, walk), paths, first, DERIVED_CHECKS);
    this.writtenBefore = written;
    return true;
  }

  /** What was installed at {@link remember}. */
  get packagesBefore(): Component[] {
    return packagesIn(this.before);
  }

  /** Files that were written since {@link remember}. */
  async filesChanged(machine: LabMachine): Promise<FileChange[]> {
    return fileDiff(this.writtenBefore, await machine.written());
  }

  /**
   * Compares the machine with how it was.
   * @param settleMs for how long it is looked at again when something may still need a moment
   */
  async compare(
    machine: LabMachine,
    step: PlanStep,
    restarted: boolean,
    settleMs: number,
    signal: AbortSignal,
  ): Promise<ProbeResult[]> {
    const begun = performance.now();
    let found = await this.found(machine, step, restarted);
    while (unsettled(found) && performance.now() - begun < settleMs && !signal.aborted) {
      await sleep(AGAIN_MS);
      found = await this.found(machine, step, restarted);
    }
    this.findings.set(step, found);
    const durationMs = Math.round((performance.now() - begun) / DERIVED_CHECKS.length);
    const total = [...found.values()].reduce((sum, list) => sum + list.length, 0);
    const control = total > 0 && this.control !== null ? await this.control() : null;
    return [...found].map(([name, list]) => {
      const own = control === null ? list : beyondControl(list, findingsOf(control, step, name));
      this.ignored += list.length - own.length;
      // A control is not judged: what it finds is what later runs may ignore.
      return resultOf(name, this.control === null ? [] : own, durationMs);
    });
  }

  private async found(machine: LabMachine, step: PlanStep, restarted: boolean): Promise<Findings> {
    const written = await machine.written();
    const files = fileDiff(this.writtenBefore, written);
    // Only files that may have changed are walked through, where the machine knows which.
    const paths = pathsToWalk(this.before, written);
    const walk = machine.writesApart === true ? walkOf(paths) : null;
    const before = walk === null ? this.before : onlyOf(paths, this.before, DERIVED_CHECKS);
    const now = await this.look(machine, walk ?? WALK_SCRIPT);
    this.latest = { packages: packageDiff(this.packagesBefore, packagesIn(now)), files };
    this.changes.set(step, this.latest);
    return compareLooks(DERIVED_CHECKS, before, now, {
      restarted,
      files,
      owned: this.owned,
      packages: this.artefacts.map((artefact) => artefact.package),
      patchBytes: this.artefacts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    });
  }

  private async look(machine: LabMachine, walk: string): Promise<Look> {
    const names = this.artefacts.map((artefact) => artefact.package);
    const mark = `${MARK}-${randomUUID()}`;
    const script = lookScript(DERIVED_CHECKS, names, mark, walk);
    const output = await mustExec(machine, 'Looking at the machine', script, { timeoutMs: LOOK_LIMIT_MS });
    const { look, owned } = readLook(output, DERIVED_CHECKS, mark);
    for (const path of owned) this.owned.add(path);
    return look;
  }
}

const SETTLING = new Set(DERIVED_CHECKS.filter(({ settles }) => settles).map(({ name }) => name));

const unsettled = (found: Findings): boolean =>
  [...found].some(([name, list]) => SETTLING.has(name) && list.length > 0);
