import ipaddr from 'ipaddr.js';

/** How guessing at one thing is slowed down. */
export interface ThrottleRule {
  /** Wrong guesses that cost nothing. */
  readonly free: number;
  /** The longest that the next guess must wait, in seconds. */
  readonly capSeconds: number;
}

/**
 * From one address at one account guessing soon takes for ever; from one address at any account too (credential
 * stuffing). From anywhere at one account it is slowed a little only, and not at all from where its owner signed in
 * before: more would let strangers lock the owner out.
 */
export const THROTTLES = {
  'account-from-address': { free: 5, capSeconds: 900 },
  address: { free: 20, capSeconds: 900 },
  account: { free: 50, capSeconds: 30 },
  'second-factor': { free: 5, capSeconds: 900 },
} as const satisfies Readonly<Record<string, ThrottleRule>>;
export type ThrottleKind = keyof typeof THROTTLES;

/** Guesses older than this are forgotten. */
export const FORGET_MS = 86_400_000;

/** @returns seconds until the next guess is looked at: 0 while guesses are free, then doubling up to the cap */
export function waitSeconds(failures: number, { free, capSeconds }: ThrottleRule): number {
  return failures < free ? 0 : Math.min(capSeconds, 2 ** Math.min(failures - free, 30));
}

/** An address from which somebody signed in within this time is one of theirs. */
export const KNOWN_ADDRESS_MS = 30 * 86_400_000;

/**
 * What counts as one address: of IPv6 the /64, which is what one household or machine gets to choose from (RFC 6177).
 * @returns text that is the same for addresses that count as one
 */
export function networkOf(address: string): string {
  if (!ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  if (parsed.kind() === 'ipv4') return parsed.toString();
  return `${new ipaddr.IPv6([...parsed.toByteArray().slice(0, 8), ...Array<number>(8).fill(0)]).toString()}/64`;
}
