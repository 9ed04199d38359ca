import { defineConfig } from 'vitest/config';
import { project } from './vitest.config.mjs';

/** What takes too long for every `npm test`; each has a script of its own in package.json. */
export default defineConfig({
  test: {
    projects: [
      project('vm', ['test/vm/**/*.spec.ts'], {
        testTimeout: 900_000,
        hookTimeout: 900_000,
        maxWorkers: 1,
        fileParallelism: false,
        sequence: { shuffle: false },
      }),
      project('profiles', ['test/profiles/**/*.spec.ts'], {
        testTimeout: 900_000,
        hookTimeout: 60_000,
        maxWorkers: 1,
        fileParallelism: false,
      }),
    ],
  },
});
