/** One paragraph of a control file: field names in lower case, values with their continuation lines. */
export type ControlFields = ReadonlyMap<string, string>;

/**
 * Reads one paragraph.
 * Source: deb822(5). A line that starts with a space or tab continues the field before it; `#` starts a comment.
 */
export function parseParagraph(text: string): ControlFields {
  const fields = new Map<string, string>();
  let name: string | undefined;
  for (const line of text.split('\n')) {
    if (line.startsWith('#') || line.trim() === '') continue;
    if (line.startsWith(' ') || line.startsWith('\t')) {
      if (name !== undefined) fields.set(name, `${fields.get(name) ?? ''}\n${line.slice(1)}`);
      continue;
    }
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    name = line.slice(0, colon).toLowerCase();
    fields.set(name, line.slice(colon + 1).trim());
  }
  return fields;
}

/** The paragraphs of a text, as they stand, one at a time. */
export function* paragraphs(text: string): Generator<string> {
  let from = 0;
  while (from < text.length) {
    const gap = text.indexOf('\n\n', from);
    const to = gap < 0 ? text.length : gap + 1;
    const paragraph = text.slice(from, to);
    if (paragraph.trim() !== '') yield paragraph;
    from = gap < 0 ? text.length : gap + 2;
  }
}
