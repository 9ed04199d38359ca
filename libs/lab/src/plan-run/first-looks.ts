import type { FirstLook } from '../domain/derived-checks/index.js';
import type { LabDriver } from '../lab-driver.port.js';

/** A lab has some tens of profiles, and a first look takes up to some megabytes. */
const MOST = 30;

/**
 * First looks at the goldens of a driver: files that neither that machine nor a later one has written are those of the golden
 * in both, so that later machines need not be walked through as a whole before their patch.
 */
export class FirstLooks {
  private static readonly known = new WeakMap<LabDriver, FirstLooks>();
  private readonly looks = new Map<string, FirstLook>();

  static of(driver: LabDriver): FirstLooks {
    const looks = FirstLooks.known.get(driver) ?? new FirstLooks();
    FirstLooks.known.set(driver, looks);
    return looks;
  }

  find(goldenDigest: string): FirstLook | undefined {
    return this.looks.get(goldenDigest);
  }

  keep(goldenDigest: string, look: FirstLook): void {
    const [oldest] = this.looks.keys();
    if (oldest !== undefined && this.looks.size >= MOST) this.looks.delete(oldest);
    this.looks.set(goldenDigest, look);
  }
}
