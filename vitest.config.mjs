import { defineConfig } from 'vitest/config';
import fs from 'node:fs';
import path from 'node:path';

const root = import.meta.dirname;
// Tests run against the sources, so that a stale build can never make them pass.
const alias = Object.fromEntries(
  fs.readdirSync(path.join(root, 'libs')).map((lib) => [`@vouch/${lib}`, path.join(root, 'libs', lib, 'src/index.ts')]),
);
const shared = { resolve: { alias }, oxc: { decorator: { legacy: true, emitDecoratorMetadata: true } } };
export const project = (name, include, more = {}) => ({
  ...shared,
  test: { name, root, include, sequence: { shuffle: true }, ...more },
});

const LAB = { testTimeout: 300_000, hookTimeout: 600_000 };
const CRASHES = ['test/lab/faults.spec.ts', 'test/lab/orphans.spec.ts'];

export default defineConfig({
  test: {
    projects: [
      project(
        'unit',
        [
          'libs/**/*.spec.ts',
          'apps/**/*.spec.ts',
          'infra/**/*.spec.ts',
          'test/architecture/**/*.spec.ts',
          'test/openapi/**/*.spec.ts',
        ],
        { testTimeout: 30_000, isolate: false },
      ),
      project('agent', ['test/agent/**/*.spec.ts'], { testTimeout: 60_000, maxWorkers: 2 }),
      project('console', ['test/console/**/*.spec.ts'], {
        testTimeout: 60_000,
        hookTimeout: 60_000,
        sequence: { shuffle: false },
      }),
      project('integration', ['test/integration/**/*.spec.ts'], {
        globalSetup: ['test/integration/services.setup.mjs'],
        testTimeout: 60_000,
        hookTimeout: 120_000,
        maxWorkers: 2,
        isolate: false,
      }),
      project('attacks', ['test/attacks/**/*.spec.ts'], {
        globalSetup: ['test/integration/services.setup.mjs'],
        testTimeout: 600_000,
        hookTimeout: 120_000,
        maxWorkers: 2,
        isolate: false,
      }),
      // Machines wait for their disks and services: some at a time use the host better. More of them would slow the
      // services down so much that a good patch is held for it.
      project('lab', ['test/lab/**/*.spec.ts'], { ...LAB, exclude: CRASHES, maxWorkers: 3, maxConcurrency: 2 }),
      // Whoever cleans up after a crash cleans up after every crash in the folder.
      project('lab-crashes', CRASHES, { ...LAB, maxWorkers: 1, fileParallelism: false }),
      project('e2e', ['test/e2e/**/*.spec.ts'], {
        testTimeout: 600_000,
        hookTimeout: 900_000,
        maxWorkers: 1,
        fileParallelism: false,
        sequence: { shuffle: false },
      }),
    ],
  },
});
