import { shared } from '@vouch/platform';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ids, msp, RestFixture, tenants } from './rest-fixture.js';

const PICTURES = process.env['VOUCH_TEST_PICTURES'];

describe('the console for whoever answers for the patches', { shuffle: false }, () => {
  let rest: RestFixture;
  let browser: Browser;
  const complaints: string[] = [];

  const pageOf = async (email: string): Promise<Page> => {
    const context = await browser.newContext({ viewport: { width: 1180, height: 900 } });
    const [name = '', value = ''] = (await rest.api.signIn(email)).split(/=(.*)/);
    await context.addCookies([{ name, value, url: rest.api.url }]);
    const page = await context.newPage();
    page.setDefaultTimeout(8_000);
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error' && !/status of 4(03|04)/.test(message.text())) complaints.push(message.text());
    });
    await page.goto(rest.api.url);
    return page;
  };
  const keep = async (page: Page, name: string): Promise<void> => {
    if (PICTURES !== undefined) await page.screenshot({ path: `${PICTURES}/${name}.png`, fullPage: true });
  };
  const rows = (sql: string) => rest.api.database.platform.read(shared, sql);

  beforeAll(async () => {
    rest = await RestFixture.start();
    const { platform } = rest.api.database;
    await platform.transaction(shared, async (tx) => {
      await tx.query(
        `insert into fleet_need (tenant_id, cohort_id, revision_id, devices, first_at) values ($1, $2, $3, 1, now())
         on conflict do nothing`,
        [tenants.one.id, ids.cohort, ids.revision],
      );
      await tx.query(`update lab_verdict set result = 'fail', sentence = 'The web site does not answer any more.',
                expires_at = now() + interval '30 days'`);
    });
    browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] });
  });
  afterAll(async () => {
    await browser?.close();
    await rest.stop();
  });

  it('holds a patch and offers it again', async () => {
    const page = await pageOf(msp.technician);
    await page.getByText('Hold it').first().click();
    await page.getByLabel('Why').fill('It breaks the till program of two customers');
    await page.getByRole('button', { name: 'Hold it' }).click();
    await page.getByText('It breaks the till program of two customers').first().waitFor();
    await keep(page, 'held');
    expect(await rows(`select why from approval_order where ended_at is null`)).toHaveLength(1);
    expect(await page.getByText('Take it all the same').count()).toBe(0);
    await page.getByRole('button', { name: 'Offer it again' }).click();
    await page.getByText('Hold it').first().waitFor();
    expect(await rows(`select why from approval_order where ended_at is null`)).toHaveLength(0);
  });

  it('takes a patch that failed, for a reason and for some days, if the owner says so', async () => {
    const page = await pageOf(msp.boss);
    await page.getByText('Take it all the same').first().click();
    await keep(page, 'waiving');
    await page.getByLabel('Why').last().fill('That check is one of our own');
    await page.getByLabel('For how many days').fill('3');
    await page.getByRole('button', { name: 'Take it all the same' }).click();
    await page.getByText('That check is one of our own').first().waitFor();
    expect(
      await rows(`select extract(day from until - ordered_at)::int as days from approval_order where kind = 'waiver'`),
    ).toEqual([{ days: 3 }]);
    await page.getByRole('button', { name: 'Take that back' }).click();
    await page.getByText('Take it all the same').first().waitFor();
  });

  it('shows what the policies say in words, and changes them', async () => {
    const page = await pageOf(msp.boss);
    await page.getByRole('link', { name: 'Policies' }).click();
    await page.getByText('at least 50 % like the machines').waitFor();
    await page.getByText('Change the rules').first().click();
    await keep(page, 'policy');
    await page.getByLabel('How like the machines').fill('90');
    await page.getByLabel('Why').fill('To be sure');
    await page.getByRole('button', { name: 'Change the rules' }).click();
    await page.getByText('at least 90 % like the machines').waitFor();
    await page.getByText('Version 2').waitFor();
    const reader = await pageOf(msp.technician);
    await reader.getByRole('link', { name: 'Policies' }).click();
    await reader.getByText('at least 90 % like the machines').waitFor();
    expect(await reader.getByText('Change the rules').count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  it('shows owners of a business none of that', async () => {
    const page = await pageOf(tenants.one.owner);
    await page.getByText('Patches your machines need').waitFor();
    expect(await page.getByText('Your word').count()).toBe(0);
    expect(await page.getByRole('link', { name: 'Policies' }).count()).toBe(0);
  });
});
