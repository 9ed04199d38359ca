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

/** For machines with kernels of their own, which may be emulated: everything takes ten times as long then. */
export const MACHINE_PLAN_LIMITS: PlanLimits = {
  bootMs: 300_000,
  applyMs: 30 * 60_000,
  settleMs: 60_000,
  runMs: 90 * 60_000,
  storageMiB: 3072,
};

export const PLAN_LIMITS: PlanLimits = {
  bootMs: 120_000,
  applyMs: 10 * 60_000,
  settleMs: 10_000,
  runMs: 30 * 60_000,
  storageMiB: 3072,
};
