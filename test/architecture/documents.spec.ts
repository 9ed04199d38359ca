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
});
