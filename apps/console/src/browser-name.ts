/** The first that fits: browsers name their ancestors too. */
const BROWSERS = [
  [/Edg\//, 'Edge'],
  [/OPR\//, 'Opera'],
  [/Firefox\//, 'Firefox'],
  [/Chrome\//, 'Chrome'],
  [/Safari\//, 'Safari'],
] as const;
const SYSTEMS = [
  [/iPhone|iPad/, 'iOS'],
  [/Android/, 'Android'],
  [/Windows/, 'Windows'],
  [/Macintosh/, 'macOS'],
  [/Linux|X11/, 'Linux'],
] as const;

/** What people call the browser that sends this `User-Agent`; its own first words when nobody knows it. */
export function browserName(userAgent: string): string {
  if (userAgent === '') return 'Unknown browser';
  const [, browser] = BROWSERS.find(([sign]) => sign.test(userAgent)) ?? [];
  const [, system] = SYSTEMS.find(([sign]) => sign.test(userAgent)) ?? [];
  if (browser === undefined) return userAgent.slice(0, 40);
  return system === undefined ? browser : `${browser} on ${system}`;
}
