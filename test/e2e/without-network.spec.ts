import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Overview } from '@vouch/contracts';
import { startRedis } from '../../infra/local/redis.mjs';
import { Product } from './product.js';

const MINUTE = 60_000;

/** The product in a network namespace of its own, with nothing but a loopback: no mirror can be reached. */
describe('without a network', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'vouch-offline-'));
  let product: Product;

  /** Asks the API from inside the product's network. */
  const ask = (route: string, ...options: string[]): string => {
    const url = `${product.url}${route}`;
    const jar = path.join(folder, 'cookies');
    const curl = ['curl', '--silent', '--fail', '--cookie', jar, '--cookie-jar', jar, ...options, url];
    return execFileSync('nsenter', ['--target', String(product.pid), ...product.namespaces, '--', ...curl], {
      encoding: 'utf8',
    });
  };

  beforeAll(async () => {
    fs.chmodSync(folder, 0o755);
    // Redis may have to be fetched once; from then on the product needs no network to start.
    const redis = await startRedis({ dir: path.join(folder, 'data/redis') });
    await redis.stop();
    product = Product.start(path.join(folder, 'data'), {}, { offline: true });
    await product.line(/^Vouch runs at/, 3 * MINUTE);
    const { demoPassword: password } = JSON.parse(
      fs.readFileSync(path.join(folder, 'data/keys/secrets.json'), 'utf8'),
    ) as { demoPassword: string };
    const body = JSON.stringify({ email: 'owner@bakery.example', password });
    ask('/api/v1/session', '--header', 'content-type: application/json', '--data', body);
  }, 4 * MINUTE);
  afterAll(async () => {
    await product?.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  }, MINUTE);

  it('the console comes up, says that the mirror cannot be reached, and approves nothing', async () => {
    let overview: Overview | undefined;
    for (let i = 0; i < 60; i += 1) {
      overview = JSON.parse(ask('/api/v1/overview')) as Overview;
      if (overview.problems.some((problem) => problem.includes('cannot be reached'))) break;
      await sleep(500);
    }
    expect(overview?.sources.map((source) => source.state)).toEqual(['unreachable', 'unreachable']);
    expect(overview?.problems.filter((problem) => problem.includes('The mirror cannot be reached'))).toHaveLength(2);
    expect(overview?.patches).toEqual([]);
    expect(ask('/')).toContain('<title>Vouch</title>');
  });
});
