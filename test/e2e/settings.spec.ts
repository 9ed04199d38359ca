import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Product } from './product.js';

const MINUTE = 60_000;

describe('a wrong setting', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'vouch-settings-'));
  afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

  it.each([
    ['DATABASE_URL', 'mysql://user:hunter2@host/db', 'DATABASE_URL must be a postgresql:// URL.'],
    ['STRIPE_SECRET_KEY', 'hunter2', 'STRIPE_SECRET_KEY must be a Stripe secret key (sk_test_… or sk_live_…).'],
    ['VOUCH_PORT', 'eighty', /^VOUCH_PORT .+\.$/],
  ])(
    '%s ends the start with one sentence that names it and not its value, before anything runs',
    async (name, value, sentence) => {
      const product = Product.start(path.join(folder, name), { [name]: value });
      expect(await product.exit(2 * MINUTE)).toBe(1);
      const said = product.lines.filter((line) => line.includes(name));
      expect(said).toEqual([typeof sentence === 'string' ? sentence : expect.stringMatching(sentence)]);
      expect(product.lines.join('\n')).not.toContain('hunter2');
      expect(product.lines).not.toContain('starting PostgreSQL and Redis');
    },
    3 * MINUTE,
  );
});
