import { RunnerRegistry, RunQueue, WatchRuns } from '@vouch/lab';
import { newId, sha256Hex, shared } from '@vouch/platform';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ids, RestFixture } from './rest-fixture.js';

const GOLDEN = 'd'.repeat(64);
const PICTURES = process.env['VOUCH_TEST_PICTURES'];

describe('the lab as those see it who run the installation', { shuffle: false }, () => {
  let rest: RestFixture;
  let browser: Browser;
  let page: Page;
  let runnerId: string;
  const [tested, waiting] = [newId(), newId()];
  const complaints: string[] = [];

  const write = (sql: string, ...values: unknown[]): Promise<{ state: string }[]> =>
    rest.api.database.platform.transaction(shared, (tx) => tx.query(sql, values));
  const stateOf = async (id: string): Promise<string | undefined> =>
    (await write('select state from lab_test_run where id = $1', id))[0]?.state;
  const run = (id: string, urgency: number): Promise<unknown> =>
    write(
      `insert into lab_test_run (id, revision_id, profile_digest, golden_digest, plan_digest, plan, state, correlation_id, urgency, priority, origins)
       values ($1, $2, $3, $4, $1::uuid::text, '{"name":"plan","steps":["baseline"]}', 'queued', 'test', $5, 12, array[$1::uuid])`,
      id,
      ids.revision,
      sha256Hex('something'),
      GOLDEN,
      urgency,
    );
  const keep = async (name: string): Promise<void> => {
    if (PICTURES !== undefined) await page.screenshot({ path: `${PICTURES}/${name}.png`, fullPage: true });
  };

  beforeAll(async () => {
    rest = await RestFixture.start();
    const { app } = rest.api.database;
    const registry = new RunnerRegistry(app, () => new Date());
    const drivers = [
      { name: 'sandbox', fidelity: 'reduced' as const, capabilities: ['packages' as const], capacity: 1 },
    ];
    ({ runnerId } = await registry.welcome('shelf', { name: 'shelf', drivers }, 'test'));
    const golden = { digest: GOLDEN, state: 'ready' as const, components: [], services: [], buildMilliseconds: 1 };
    await registry.reportGolden(runnerId, { ...golden, profileDigest: sha256Hex('something') }, 'test');
    await run(tested, 2);
    const job = await new RunQueue(app, () => new Date(), 600).claim(runnerId);
    const piece = { attempt: job?.attempt ?? 0, step: 'baseline' as const, text: 'good: web site answers\n' };
    await new WatchRuns(app).add(runnerId, tested, piece);
    await run(waiting, 1);

    browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] });
    const context = await browser.newContext({ viewport: { width: 1180, height: 900 } });
    const [name = '', value = ''] = ((await rest.operator())['cookie'] ?? '').split(/=(.*)/);
    await context.addCookies([{ name, value, url: rest.api.url }]);
    page = await context.newPage();
    page.setDefaultTimeout(8_000);
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error' && !/status of 4(03|04)/.test(message.text())) complaints.push(message.text());
    });
    await page.goto(rest.api.url);
    await page.getByRole('link', { name: 'Lab' }).click();
  });
  afterAll(async () => {
    await browser?.close();
    await rest.stop();
  });

  it('shows the hosts, what is tested with what its machine prints, and what waits', async () => {
    const host = page.getByRole('row').filter({ hasText: 'shelf' });
    await host.getByText('1 of 1').waitFor();
    await host.getByText('reduced fidelity').waitFor();
    await page.getByText('What the machine prints').click();
    await page.getByRole('log').getByText('good: web site answers').waitFor();
    await page.getByText('wanted by 12 machines of one consultancy').waitFor();
    await keep('lab');
  });

  it('lets a patch go first, and takes that back', async () => {
    await page.getByText('Test it before all others').first().click();
    await page.getByLabel('How that is known').fill('Seen at two customers');
    await page.getByRole('button', { name: 'It is being exploited' }).click();
    await page.getByText('Seen at two customers').waitFor();
    await keep('lab-exploited');
    await page.getByRole('button', { name: 'Test it in its turn again' }).click();
    await page.getByText('No patch is marked').waitFor();
  });

  it('calls a run off for a reason, and puts it back', async () => {
    const entry = page.locator('article').filter({ hasText: 'wanted by 12 machines' });
    await entry.getByText('Call it off').first().click();
    await entry.getByLabel('Why').fill('The vendor has withdrawn it');
    await entry.getByRole('button', { name: 'Call it off' }).click();
    const calledOff = page.getByRole('heading', { name: 'Called off just now' });
    await calledOff.waitFor();
    await entry.waitFor({ state: 'detached' });
    expect(await stateOf(waiting)).toBe('cancelled');
    await keep('lab-called-off');
    await page.getByRole('button', { name: 'Test it after all' }).click();
    await calledOff.waitFor({ state: 'detached' });
    await entry.waitFor();
    expect(await stateOf(waiting)).toBe('queued');
  });

  it('has a judged run done again when that is confirmed', async () => {
    const entry = page.locator('article').filter({ hasText: 'It passed.' });
    await entry.getByText('Test it again').first().click();
    await keep('lab-again');
    await entry.getByRole('button', { name: 'Test it again' }).click();
    await entry.getByText('It is tested again as soon as').waitFor();
    expect(await entry.getByRole('button').count(), 'once is enough').toBe(0);
    await keep('lab-asked-again');
    expect(await write('select state from lab_test_run where repeat_asked_at is not null')).toEqual([
      { state: 'judged' },
    ]);
    expect(complaints).toEqual([]);
  });
});
