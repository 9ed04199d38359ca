import ipaddr from 'ipaddr.js';

/**
 * Is this an address of the public Internet? Everything with a meaning of its own is not: loopback, private, link-local
 * (which includes the clouds' metadata service), shared, multicast, documentation, and IPv6 forms that carry an IPv4
 * address past such a check (mapped, translated, tunnelled).
 *
 * @param address IPv4 or IPv6, as the resolver writes it
 */
export function isPublicAddress(address: string): boolean {
  const [plain = ''] = address.split('%');
  if (!ipaddr.isValid(plain)) return false;
  return ipaddr.process(plain).range() === 'unicast' && !isIpv4Compatible(plain);
}

/** `::a.b.c.d`, long deprecated, which some systems still route to that IPv4 address. */
function isIpv4Compatible(address: string): boolean {
  if (!ipaddr.IPv6.isValid(address)) return false;
  return ipaddr.IPv6.parse(address)
    .parts.slice(0, 6)
    .every((part) => part === 0);
}
