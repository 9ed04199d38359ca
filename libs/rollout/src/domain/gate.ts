/** What is known of one ring's machines for one revision, of all tenants under the policy. */
export interface RingCount {
  /** Machines of the ring that needed the patch when it was offered, or have it now. */
  readonly machines: number;
  readonly installedHealthy: number;
  /** Install failed, was refused by the machine, or a service was down afterwards. */
  readonly bad: number;
  /** When the last good report came; null when there was none. */
  readonly lastReportAt: Date | null;
}

export interface GateAnswer {
  readonly state: 'open' | 'healthy' | 'halted';
  readonly reason: string;
}

/**
 * May the next ring open? One bad machine halts: in a ring of a handful, one is too many. A ring is healthy when every
 * machine of it reported well and stayed so for the soak time; a ring without machines says nothing and lets pass.
 */
export function gate(count: RingCount, soakSeconds: number, now: Date): GateAnswer {
  if (count.bad > 0) {
    return { state: 'halted', reason: `${count.bad} of ${machines(count.machines)} did not take the patch well.` };
  }
  if (count.machines === 0) return { state: 'healthy', reason: 'No machine of this ring needs the patch.' };
  if (count.installedHealthy < count.machines) {
    return { state: 'open', reason: `${count.installedHealthy} of ${machines(count.machines)} well with it so far.` };
  }
  const wellSince = count.lastReportAt?.getTime() ?? now.getTime();
  const soaked = (now.getTime() - wellSince) / 1000;
  if (soaked < soakSeconds) {
    return {
      state: 'open',
      reason: `${machines(count.machines)} well with it; watching for ${Math.ceil(soakSeconds - soaked)} s more.`,
    };
  }
  return { state: 'healthy', reason: `${machines(count.machines)} well with it.` };
}

const machines = (n: number): string => (n === 1 ? '1 machine' : `${n} machines`);
