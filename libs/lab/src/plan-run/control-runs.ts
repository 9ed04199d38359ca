import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { TestPlan } from '@vouch/contracts';
import type { Clock } from '@vouch/platform';
import { controlKey, ControlRecord, isTooOld, toRecord } from '../domain/control.js';
import { planDigest } from '../domain/plan.js';
import type { LabDriver, LabGolden } from '../lab-driver.port.js';
import { PlanRun } from './plan-run.js';
import type { PlanLimits } from './plan-limits.js';

/** The lab could not find out what changes by itself, so it cannot say what the patch changed. */
export class ControlFailed extends Error {
  readonly code = 'control-failed';
  constructor(detail: string) {
    super(`The same test without the patch did not come to its end: ${detail}`);
    this.name = 'ControlFailed';
  }
}

export interface Control {
  readonly record: ControlRecord;
  readonly text: string;
  readonly sha256: string;
}

/** Runs each plan once without a patch, and keeps what it saw, named by what went into it. */
export class ControlRuns {
  private readonly making = new Map<string, Promise<Control>>();
  private readonly closing = new AbortController();

  /** @param directory where records are kept; it is created */
  constructor(
    private readonly directory: string,
    private readonly clock: Clock,
  ) {}

  /**
   * The control of a plan on a golden: the one that was kept, or a new one, made once however many ask for it.
   * @throws ControlFailed
   */
  of(driver: LabDriver, golden: LabGolden, plan: TestPlan, limits: PlanLimits): Promise<Control> {
    const key = controlKey(golden.digest, planDigest(plan));
    const making = this.making.get(key) ?? this.findOrMake(key, driver, golden, plan, limits);
    this.making.set(key, making);
    void making.catch(() => undefined).finally(() => this.making.delete(key));
    return making;
  }

  /** Ends those that are being made, and waits for their end. */
  async close(): Promise<void> {
    this.closing.abort();
    await Promise.allSettled(this.making.values());
  }

  private async findOrMake(
    key: string,
    driver: LabDriver,
    golden: LabGolden,
    plan: TestPlan,
    limits: PlanLimits,
  ): Promise<Control> {
    const file = path.join(this.directory, `${key}.json`);
    const kept = read(await readFile(file, 'utf8').catch(() => ''), key);
    if (kept !== null && !isTooOld(kept.record, this.clock())) return kept;
    const record = await this.make(key, driver, golden, plan, limits);
    const text = JSON.stringify(record);
    await mkdir(this.directory, { recursive: true });
    const part = `${file}.${randomUUID()}.part`;
    await writeFile(part, text);
    await rename(part, file);
    return { record, text, sha256: sha256(text) };
  }

  private async make(
    key: string,
    driver: LabDriver,
    golden: LabGolden,
    plan: TestPlan,
    limits: PlanLimits,
  ): Promise<ControlRecord> {
    const name = `control-${key.slice(0, 12)}-${randomUUID().slice(0, 8)}`;
    const test = new PlanRun(
      driver,
      golden,
      { name, artefacts: [], files: new Map(), plan },
      limits,
      this.closing.signal,
    );
    const red: ControlRecord['red'] = [];
    try {
      for (const step of plan.steps) {
        const result = await test.perform(step);
        if (result.failure !== undefined) throw new ControlFailed(result.failure.message);
        for (const probe of result.probes ?? []) if (!probe.ok) red.push({ step, name: probe.name });
        if (this.closing.signal.aborted) throw new ControlFailed('the lab is being closed.');
      }
      // Files that vanish under a machine make it change in ways that no later run may ignore.
      if ((await driver.find(golden.digest)) === null) throw new ControlFailed('its golden was removed meanwhile.');
    } catch (error) {
      throw error instanceof ControlFailed
        ? error
        : new ControlFailed(error instanceof Error ? error.message : String(error));
    } finally {
      await test.discard();
    }
    return toRecord(key, this.clock(), test.findings, red);
  }
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** A record that cannot be read, or is another one, counts as none: it is made anew. */
function read(text: string, key: string): Control | null {
  try {
    const record = ControlRecord.parse(JSON.parse(text));
    return record.key === key ? { record, text, sha256: sha256(text) } : null;
  } catch {
    return null;
  }
}
