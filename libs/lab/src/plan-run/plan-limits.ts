/** How long, and how much, a test may take. */
export interface PlanLimits {
  /** Until systemd has started everything, or has stopped it. */
  readonly bootMs: number;
  readonly applyMs: number;
  /** For how long a check that is not healthy is asked again. */
  readonly settleMs: number;
  readonly runMs: number;
  /** Size of what a machine may write. */
  readonly storageMiB: number;
}

export const PLAN_LIMITS: PlanLimits = {
  bootMs: 120_000,
  applyMs: 10 * 60_000,
  settleMs: 10_000,
  runMs: 30 * 60_000,
  storageMiB: 3072,
};
