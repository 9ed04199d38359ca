import type { RunObservations } from '@vouch/contracts';
import { redNames, stepOf } from './steps.js';

/** Whether a patch can be taken back, and what to know when it cannot. */
export function wayBack({ steps, control, failure, unmeasured = [] }: RunObservations): {
  reversible: boolean | null;
  cautions: string[];
} {
  const back = stepOf(steps, 'way-back');
  if (back === undefined || failure !== null || unmeasured.includes(WAY_BACK_UNTESTED))
    return { reversible: null, cautions: [] };
  if (!back.ok) return { reversible: false, cautions: [`It cannot simply be taken back: ${back.detail}`] };
  const after = stepOf(steps, 'probe-after-way-back');
  if (after === undefined) return { reversible: null, cautions: [] };
  if (!after.ok && redNames(after).length === 0)
    return { reversible: false, cautions: [`It cannot simply be taken back: ${after.detail}`] };
  const red = after.probes.filter(
    ({ ok, name }) => !ok && control?.red.some((usual) => usual.step === after.step && usual.name === name) !== true,
  );
  return {
    reversible: red.length === 0,
    cautions: red.map(({ name, detail }) => `${name}: no longer so after it was taken back (${detail})`),
  };
}

/** How an observation says that the way back was not gone. */
export const WAY_BACK_UNTESTED = 'the way back to the versions before';
