/**
 * Order of Debian package versions: negative when `a` is older, 0 when they are equal, positive when `a` is newer.
 * Source: Debian Policy Manual, section 5.6.12 (epoch, upstream version, revision).
 */
export function compareDebianVersions(a: string, b: string): number {
  const [x, y] = [parts(a), parts(b)];
  return x.epoch - y.epoch || compareText(x.upstream, y.upstream) || compareText(x.revision, y.revision);
}

function parts(version: string): { epoch: number; upstream: string; revision: string } {
  const colon = version.indexOf(':');
  const rest = colon < 0 ? version : version.slice(colon + 1);
  const dash = rest.lastIndexOf('-');
  return {
    epoch: colon < 0 ? 0 : Number(version.slice(0, colon)),
    upstream: dash < 0 ? rest : rest.slice(0, dash),
    revision: dash < 0 ? '' : rest.slice(dash + 1),
  };
}

/** Alternating runs: text by character order, then digits by value. A missing part counts as empty text and 0. */
function compareText(a: string, b: string): number {
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    while (isText(a, i) || isText(b, j)) {
      const difference = order(a, i) - order(b, j);
      if (difference !== 0) return difference;
      i += 1;
      j += 1;
    }
    const [x, y] = [digits(a, i), digits(b, j)];
    i += x.length;
    j += y.length;
    const difference = compareNumbers(x, y);
    if (difference !== 0) return difference;
  }
  return 0;
}

const isDigit = (text: string, at: number): boolean => text.charCodeAt(at) >= 48 && text.charCodeAt(at) <= 57;
const isText = (text: string, at: number): boolean => at < text.length && !isDigit(text, at);

/** `~` sorts before the end of the text, letters before all other characters. */
function order(text: string, at: number): number {
  if (at >= text.length || isDigit(text, at)) return 0;
  const code = text.charCodeAt(at);
  if (text.charAt(at) === '~') return -1;
  return /[A-Za-z]/.test(text.charAt(at)) ? code : code + 256;
}

const digits = (text: string, from: number): string => /^\d*/.exec(text.slice(from))?.[0] ?? '';

/** By value, without the limits of a machine number. */
function compareNumbers(a: string, b: string): number {
  const [x, y] = [a.replace(/^0+/, ''), b.replace(/^0+/, '')];
  if (x.length !== y.length) return x.length - y.length;
  return x < y ? -1 : x > y ? 1 : 0;
}
