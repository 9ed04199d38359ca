import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const root = path.resolve(import.meta.dirname, '../..');
const documents = [
  ...['README.md', 'CONTRIBUTING.md', 'SECURITY.md'],
  ...fs.readdirSync(path.join(root, 'docs'), { recursive: true, encoding: 'utf8' }).map((name) => `docs/${name}`),
].filter((name) => name.endsWith('.md'));

/** Code spans that name a file or folder of this repository. */
const NAMES_A_FILE = /`((?:apps|libs|infra|test|docs)\/[\w./@-]+)`/g;
const LINK = /\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g;

describe('documents', () => {
  it.each(documents)('%s names only files that there are', (document) => {
    const text = fs.readFileSync(path.join(root, document), 'utf8');
    const named = [...text.matchAll(NAMES_A_FILE)].map(([, name = '']) => path.join(root, name));
    const linked = [...text.matchAll(LINK)].map(([, name = '']) => path.resolve(root, path.dirname(document), name));
    const missing = [...named, ...linked].filter((file) => !fs.existsSync(file));
    expect(missing.map((file) => path.relative(root, file))).toEqual([]);
  });

  it('docs/asvs.md counts its states right, and says where each requirement that is met is met', () => {
    const text = fs.readFileSync(path.join(root, 'docs/asvs.md'), 'utf8');
    const rows = [...text.matchAll(/^\| \d[\d.]+ +\|[^|]*\| ([^|]*?) +\| ?([^|]*?) *\|$/gm)];
    const count = (state: string): number => rows.filter(([, each]) => each === state).length;
    expect(text.replaceAll('\n', ' ')).toContain(
      `${count('met')} are met, ${count('in part')} in part, ${count('**not met**')} not, and ${count('does not apply')} do not apply.`,
    );
    expect(rows.length).toBe(count('met') + count('in part') + count('**not met**') + count('does not apply'));
    const silent = rows.filter(([, state, where]) => state === 'met' && where === '').map(([row]) => row);
    expect(silent).toEqual([]);
  });

  it('docs/threat-model.md names for each threat a control, and a test that there is or why there is none', () => {
    const text = fs.readFileSync(path.join(root, 'docs/threat-model.md'), 'utf8');
    const rows = [...text.matchAll(/^\| ([^|]+?) +\| ([^|]*?) +\| ([^|]*?) +\|$/gm)].filter(
      ([, threat]) => threat !== 'threat' && !threat?.startsWith('---'),
    );
    expect(rows.length).toBeGreaterThan(40);
    expect(rows.filter(([, , control]) => control === '').map(([row]) => row)).toEqual([]);
    expect(
      rows.filter(([, , , test]) => !/\.spec\.ts`|^no test of ours: /.test(test ?? '')).map(([row]) => row),
    ).toEqual([]);
  });
});
