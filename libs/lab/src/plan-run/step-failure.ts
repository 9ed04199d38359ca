import type { RunFailure } from '@vouch/contracts';
import type { StepResult } from './run-recorder.js';

/** A step that ends its run. */
export const failure = (blame: RunFailure['blame'], code: RunFailure['code'], message: string): StepResult => ({
  ok: false,
  detail: message,
  failure: { blame, code, message },
});

export const labFailure = (code: RunFailure['code'], message: string): StepResult => failure('lab', code, message);
