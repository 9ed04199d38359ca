const LAST_CHARACTERS = 16_000;
const LAST_LINES = 6;

/**
 * What a kernel's console says about its end, on one line and without anything that is not text: why it gave up, with the
 * line before that, or else the last lines.
 * @param log what was written to the console; a patch decides what that is
 */
export function consoleWords(log: string): string {
  const lines = log
    .slice(-LAST_CHARACTERS)
    .split(/[\r\n]+/)
    // eslint-disable-next-line no-control-regex -- orders to a terminal are what is removed
    .map((line) => line.replace(/\x1b\[[0-9;?]*[A-Za-z]|[^\x20-\x7e]/g, '').trim())
    .filter((line) => line !== '');
  const panic = lines.findIndex((line) => line.includes('Kernel panic'));
  return (panic === -1 ? lines.slice(-LAST_LINES) : lines.slice(Math.max(0, panic - 1), panic + 1)).join(' | ');
}
