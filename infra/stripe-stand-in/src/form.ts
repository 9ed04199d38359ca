/** A decoded form: values are text or further forms. */
export interface Form {
  [name: string]: string | Form;
}

/** Decodes `a[b]=c` as the payment provider's clients send it. */
export function parseForm(body: string): Form {
  const form: Form = {};
  for (const [key, value] of new URLSearchParams(body)) {
    const [first = '', ...rest] = key.split('[').map((part) => part.replace(/\]$/, ''));
    if ([first, ...rest].some((part) => ['__proto__', 'constructor', 'prototype'].includes(part))) continue;
    let place = form;
    let name = first;
    for (const part of rest) {
      const inner = place[name];
      const next: Form = typeof inner === 'object' ? inner : {};
      place[name] = next;
      place = next;
      name = part;
    }
    place[name] = value;
  }
  return form;
}

export const text = (value: Form[string] | undefined): string | undefined =>
  typeof value === 'string' ? value : undefined;

export function metadata(value: Form[string] | undefined): Record<string, string> {
  if (typeof value !== 'object') return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}
