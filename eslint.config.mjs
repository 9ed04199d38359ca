import js from '@eslint/js';
import nx from '@nx/eslint-plugin';
import prettier from 'eslint-config-prettier';
import tseslint from 'typescript-eslint';

// Which context may know which: arrows point one way (docs/architecture.md). Shared contexts hold no tenant's data and
// never import a tenant context, so the shared pool cannot ask who owns a machine.
const below = {
  evidence: [],
  catalog: [],
  lab: ['catalog', 'evidence'],
  planning: ['lab', 'catalog', 'evidence'],
  identity: [],
  fleet: ['identity', 'catalog'],
  approval: ['fleet', 'identity', 'planning', 'lab', 'evidence', 'catalog'],
  rollout: ['approval', 'fleet', 'identity', 'planning', 'lab', 'evidence', 'catalog'],
  billing: ['identity'],
  webhooks: ['identity', 'fleet'],
};
const depConstraints = [
  { sourceTag: 'layer:contracts', onlyDependOnLibsWithTags: ['layer:contracts'] },
  { sourceTag: 'layer:platform', onlyDependOnLibsWithTags: ['layer:contracts', 'layer:platform'] },
  // The client knows nothing of ours, as everybody else's programs do; our command-line program knows only the client.
  { sourceTag: 'layer:client', onlyDependOnLibsWithTags: ['layer:client'] },
  { sourceTag: 'context:cli', onlyDependOnLibsWithTags: ['layer:client'] },
  {
    sourceTag: 'layer:app',
    onlyDependOnLibsWithTags: ['layer:contracts', 'layer:platform', 'layer:context', 'layer:client'],
  },
  { sourceTag: 'layer:infra', onlyDependOnLibsWithTags: ['layer:contracts', 'layer:platform', 'layer:context'] },
  { sourceTag: 'data:shared', notDependOnLibsWithTags: ['data:tenant'] },
  ...Object.entries(below).map(([context, known]) => ({
    sourceTag: `context:${context}`,
    onlyDependOnLibsWithTags: [
      'layer:contracts',
      'layer:platform',
      `context:${context}`,
      ...known.map((name) => `context:${name}`),
    ],
  })),
];

export default tseslint.config(
  {
    ignores: [
      '**/dist/**',
      '**/node_modules/**',
      '.data/**',
      '.nx/**',
      'test/fixtures/**',
      'libs/client/src/generated/**',
    ],
  },
  js.configs.recommended,
  {
    files: ['**/*.{ts,tsx}'],
    extends: [...tseslint.configs.recommended],
    plugins: { '@nx': nx },
    rules: {
      '@nx/enforce-module-boundaries': ['error', { enforceBuildableLibDependency: false, allow: [], depConstraints }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/switch-exhaustiveness-check': 'off',
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false },
      ],
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
      eqeqeq: 'error',
    },
  },
  {
    files: ['apps/**/*.ts', 'libs/**/*.ts'],
    ignores: ['libs/platform/src/config/**', '**/*.spec.ts', 'apps/console/**'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Settings are read in libs/platform/src/config only.' },
      ],
    },
  },
  {
    // The pure core: no framework, no clock, no I/O. What it needs is passed in.
    files: ['libs/*/src/domain/**/*.ts'],
    ignores: ['**/*.spec.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              group: ['@nestjs/*', 'typeorm', 'pg', 'bullmq', 'ioredis', 'stripe', 'pino', '@vouch/platform'],
              message: 'domain/ is pure: no framework, database or queue.',
            },
            {
              group: ['node:fs*', 'node:net', 'node:http*', 'node:child_process', 'node:os', 'node:timers*'],
              message: 'domain/ is pure: no input or output.',
            },
          ],
        },
      ],
      'no-restricted-syntax': [
        'error',
        {
          selector: "CallExpression[callee.object.name='Date'][callee.property.name='now']",
          message: 'domain/ is pure: the time is passed in.',
        },
        {
          selector: "NewExpression[callee.name='Date'][arguments.length=0]",
          message: 'domain/ is pure: the time is passed in.',
        },
        {
          selector: "CallExpression[callee.object.name='Math'][callee.property.name='random']",
          message: 'domain/ is pure: chance is passed in.',
        },
      ],
    },
  },
  {
    files: ['**/*.{js,mjs}'],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        setTimeout: 'readonly',
        clearTimeout: 'readonly',
        setInterval: 'readonly',
        clearInterval: 'readonly',
        Buffer: 'readonly',
        fetch: 'readonly',
        performance: 'readonly',
        AbortController: 'readonly',
        URL: 'readonly',
        AbortSignal: 'readonly',
      },
    },
  },
  prettier,
);
