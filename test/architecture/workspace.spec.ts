import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ESLint } from 'eslint';
import { describe, expect, it } from 'vitest';

interface Graph {
  readonly graph: {
    readonly nodes: Record<string, { readonly data: { readonly tags?: string[]; readonly root: string } }>;
    readonly dependencies: Record<string, { readonly target: string }[]>;
  };
}

const root = path.resolve(import.meta.dirname, '../..');

function projectGraph(): Graph['graph'] {
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'vouch-graph-')), 'graph.json');
  execFileSync(path.join(root, 'node_modules/.bin/nx'), ['graph', `--file=${file}`], {
    cwd: root,
    env: { ...process.env, NX_DAEMON: 'false' },
    stdio: 'ignore',
  });
  const { graph } = JSON.parse(fs.readFileSync(file, 'utf8')) as Graph;
  fs.rmSync(path.dirname(file), { recursive: true });
  return graph;
}

describe('the workspace', () => {
  const graph = projectGraph();
  const own = Object.values(graph.dependencies)
    .flat()
    .filter(({ target }) => !target.startsWith('npm:'));

  it('has a project graph that is not empty (boundaries over an empty graph enforce nothing)', () => {
    expect(Object.keys(graph.nodes).length).toBeGreaterThanOrEqual(16);
    expect(own.length).toBeGreaterThan(25);
  });

  it('tags every project with its layer, context and kind of data', () => {
    for (const [name, { data }] of Object.entries(graph.nodes)) {
      for (const kind of ['layer:', 'context:', 'data:']) {
        expect(
          data.tags?.filter((tag) => tag.startsWith(kind)),
          `${name} ${kind}`,
        ).toHaveLength(1);
      }
    }
  });

  it('never lets a shared context depend on a tenant context', () => {
    const tagsOf = (name: string): string[] => graph.nodes[name]?.data.tags ?? [];
    for (const [name, dependencies] of Object.entries(graph.dependencies)) {
      if (!tagsOf(name).includes('data:shared') || !tagsOf(name).includes('layer:context')) continue;
      for (const { target } of dependencies) {
        if (graph.nodes[target]) expect(tagsOf(target), `${name} -> ${target}`).not.toContain('data:tenant');
      }
    }
  });

  it('has no cycle between projects', () => {
    const state = new Map<string, 'open' | 'done'>();
    const visit = (name: string, trail: readonly string[]): void => {
      if (state.get(name) === 'done' || !graph.nodes[name]) return;
      expect(state.get(name), [...trail, name].join(' -> ')).not.toBe('open');
      state.set(name, 'open');
      for (const { target } of graph.dependencies[name] ?? []) visit(target, [...trail, name]);
      state.set(name, 'done');
    };
    for (const name of Object.keys(graph.nodes)) visit(name, []);
  });
});

describe('lint enforces the boundaries', () => {
  const eslint = new ESLint({ cwd: root });
  /** What is found in a text as if it stood in that file: names of rules. */
  const complaints = async (file: string, text: string): Promise<(string | null)[]> =>
    (await eslint.lintText(text, { filePath: path.join(root, file) })).flatMap(({ messages }) =>
      messages.map(({ ruleId }) => ruleId),
    );

  it.each([
    [
      'a shared context that asks for tenants',
      'libs/planning/src/record-demand.ts',
      `import '@vouch/fleet';`,
      '@nx/enforce-module-boundaries',
    ],
    [
      'an arrow the wrong way',
      'libs/fleet/src/enrol-device.ts',
      `import '@vouch/approval';`,
      '@nx/enforce-module-boundaries',
    ],
    [
      'a core that reads files',
      'libs/planning/src/domain/coverage.ts',
      `import fs from 'node:fs'; fs.existsSync('x');`,
      'no-restricted-imports',
    ],
    [
      'a core that looks at the clock',
      'libs/planning/src/domain/coverage.ts',
      `export const now = Date.now();`,
      'no-restricted-syntax',
    ],
    [
      'settings read outside the configuration',
      'libs/fleet/src/enrol-device.ts',
      `export const x = process.env.X;`,
      'no-restricted-properties',
    ],
  ])('%s', async (_what, file, text, rule) => {
    expect(await complaints(file, text)).toContain(rule);
  });
});
