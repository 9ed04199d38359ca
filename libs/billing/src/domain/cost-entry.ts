/** What lab time costs. Integers in minor units of the currency (cents). */
export interface LabRate {
  readonly minorPerHour: number;
  readonly fixedMinorPerTest: number;
  /** ISO 4217. */
  readonly currency: string;
}

export interface Cost {
  readonly amountMinor: number;
  readonly currency: string;
}

const MS_PER_HOUR = 3_600_000;

/**
 * Cost of one test run: its lab time by the hourly rate, rounded half up to the minor unit, plus the fixed price.
 * @param labMs lab time in milliseconds, a non-negative integer
 * @throws RangeError when time or rate is no non-negative integer, or the product exceeds what a number counts exactly
 */
export function meteredCost(labMs: number, rate: LabRate): Cost {
  const product = labMs * rate.minorPerHour;
  for (const value of [labMs, rate.minorPerHour, rate.fixedMinorPerTest, product]) {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} is no exact, non-negative amount.`);
  }
  return {
    amountMinor: Math.floor((product + MS_PER_HOUR / 2) / MS_PER_HOUR) + rate.fixedMinorPerTest,
    currency: rate.currency,
  };
}
