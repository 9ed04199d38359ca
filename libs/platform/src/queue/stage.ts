import type { Topic } from '@vouch/contracts';

/**
 * One stage of the main job. Work is named by a key (an id), and `process` brings whatever the key names to where it
 * should be: it reads the truth from PostgreSQL, so running it twice, late or for nothing does no harm.
 */
export interface Stage {
  readonly name: string;
  /** Events that mean work, and the key that each names; null when this one means none. */
  readonly wakes: Partial<Record<Topic, (payload: Readonly<Record<string, unknown>>) => string | null>>;
  /** How many keys one worker handles at a time. */
  readonly concurrency: number;
  /** Keys that have work waiting, derived from PostgreSQL alone: what makes an emptied Redis harmless. */
  pending(): Promise<readonly string[]>;
  process(key: string, correlationId: string): Promise<void>;
}

/** Two stages of one name, or a stage that nothing can wake. */
export class StageSetupError extends Error {
  readonly code = 'stage-setup';
}

export function checkStages(stages: readonly Stage[]): void {
  const names = new Set<string>();
  for (const stage of stages) {
    if (names.has(stage.name)) throw new StageSetupError(`Two stages are called ${stage.name}.`);
    names.add(stage.name);
  }
}
