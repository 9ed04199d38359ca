/** A column of a table for people: its title and what stands in it. */
export type Columns<T> = Readonly<Record<string, (item: T) => string | number | null | undefined>>;

// Control characters in names from elsewhere must not reach a terminal.
// eslint-disable-next-line no-control-regex
const clean = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ');

/** Lines of a table, columns padded to the widest cell. */
export function table<T>(items: readonly T[], columns: Columns<T>): string {
  const titles = Object.keys(columns);
  const rows = items.map((item) => titles.map((title) => clean(String(columns[title]?.(item) ?? '–'))));
  const widths = titles.map((title, index) => Math.max(title.length, ...rows.map((row) => row[index]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join('  ')
      .trimEnd();
  return [line(titles.map((title) => title.toUpperCase())), ...rows.map(line)].join('\n');
}

/** Lines of names and values. */
export function sheet(values: Readonly<Record<string, string | number | null | undefined>>): string {
  const width = Math.max(...Object.keys(values).map((name) => name.length));
  return Object.entries(values)
    .map(([name, value]) => `${name.padEnd(width)}  ${clean(String(value ?? '–'))}`)
    .join('\n');
}

export const money = ({ amountMinor, currency }: { amountMinor: number; currency: string }): string =>
  new Intl.NumberFormat('en', { style: 'currency', currency }).format(amountMinor / 10 ** minorDigits(currency));

const minorDigits = (currency: string): number =>
  new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2;

export const minute = (time: string | null | undefined): string | null => time?.slice(0, 16).replace('T', ' ') ?? null;
