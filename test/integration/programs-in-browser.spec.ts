import fs from 'node:fs';
import path from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
import { registerOperator } from '@vouch/identity';
import { idOf, shared } from '@vouch/platform';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { organisation, TestApi } from './api.js';
import { TestIdentityProvider } from './identity-provider.js';

const [north] = organisation;
if (!north) throw new Error('The organisation of the tests is not whole.');
const OPERATOR = 'operator@installation.example';
/** Where pictures of the pages go when somebody wants to look at them. */
const PICTURES = process.env['VOUCH_TEST_PICTURES'];

let api: TestApi;
let browser: Browser;
let provider: TestIdentityProvider;
const complaints: string[] = [];

beforeAll(async () => {
  api = await TestApi.start({ VOUCH_ALLOW_PRIVATE_NETWORK: true });
  provider = await TestIdentityProvider.start('http://127.0.0.1/api/v1/single-sign-on/callback');
  browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] });
});
afterAll(async () => {
  await browser?.close();
  await provider?.close();
  await api.stop();
});

/** A browser in which somebody has just signed in with every factor. */
async function pageOf(email: string): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1180, height: 900 } });
  const [name = '', value = ''] = (await api.signIn(email)).split(/=(.*)/);
  await context.addCookies([{ name, value, url: api.url }]);
  const page = await context.newPage();
  page.setDefaultTimeout(8_000);
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    // The browser itself notes refusals that the page asked for and shows.
    if (message.type() === 'error' && !/status of 4(03|04)/.test(message.text())) complaints.push(message.text());
  });
  page.on('dialog', (dialog) => void dialog.accept());
  await page.goto(api.url);
  return page;
}

async function keep(page: Page, name: string): Promise<void> {
  if (PICTURES === undefined) return;
  fs.mkdirSync(PICTURES, { recursive: true });
  await page.screenshot({ path: path.join(PICTURES, `${name}.png`), fullPage: true });
}

describe('the console for whoever connects programs', { shuffle: false }, () => {
  let page: Page;
  const press = (name: string): Promise<void> => page.getByRole('button', { name, exact: true }).click();
  beforeAll(async () => {
    page = await pageOf(north.boss);
    await page.getByRole('link', { name: 'Programs' }).click();
  });

  it('makes a key that can do what was chosen, and nothing after it was ended', async () => {
    await page.getByText('Make a key').click();
    await page.getByLabel('Name').fill('nightly report');
    await press('Make the key');
    await page.getByText('Choose at least one thing').waitFor();
    await page.getByLabel('device:read').check();
    expect(await page.getByLabel('member:manage').count()).toBe(0);
    await keep(page, 'new-key');
    await press('Make the key');
    const key = await page.locator('.secret').innerText();
    await keep(page, 'key-made');
    const ask = async (route: string): Promise<number> =>
      (await api.get(`/api/v1/${route}`, { authorization: `Bearer ${key}` })).status;
    expect([await ask('devices'), await ask('approvals')]).toEqual([200, 403]);
    await press('I have kept it');
    expect(await page.content()).not.toContain(key);
    await press('End it');
    await page.getByText('revoked', { exact: true }).waitFor();
    expect(await ask('devices')).toBe(401);
  });

  it('sends news to an address, and shows what became of each message', async () => {
    await page.getByText('Send news to an address').click();
    await page.getByLabel('Address').fill('http://127.0.0.1:9/hook');
    await page.getByRole('textbox', { name: 'What it is', exact: true }).fill('ticket system');
    await page.getByLabel('an invoice was made').check();
    await press('Send news there');
    expect(await page.locator('.secret').innerText()).toMatch(/^whsec_/);
    await press('I have kept it');
    await failedDelivery();
    await page.getByText('What was sent').click();
    await page.getByText('connection refused').waitFor();
    await keep(page, 'webhooks');
    await press('Send again');
    await page.locator('.endpoint .badge').getByText('waiting').waitFor();
    await press('Switch off');
    await page.getByText('switched off', { exact: true }).waitFor();
    await press('Remove');
    await page.getByText('Nothing is sent anywhere').waitFor();
  });

  it('sets single sign-on up, and says where members begin', async () => {
    await page.getByText('Set it up').click();
    await page.getByText('/api/v1/single-sign-on/callback').waitFor();
    await page.getByLabel('Issuer').fill(provider.issuer);
    await page.getByLabel('Client id').fill(provider.client.clientId);
    await page.getByLabel('Client secret').fill(provider.client.clientSecret);
    await press('Save');
    await page.getByText(`/api/v1/session/single-sign-on/${north.id}`).waitFor();
    expect(await page.getByLabel('Issuer').inputValue()).toBe(provider.issuer);
    await keep(page, 'single-sign-on');
    await press('Switch it off');
    await page.getByText('not set up').waitFor();
  });

  it('shows who did all that, the newest first, and filters it', async () => {
    await page.getByRole('link', { name: 'Audit' }).click();
    await page.locator('.audit tbody tr').first().waitFor();
    const actions = await page.locator('.audit tbody td:nth-child(3)').allInnerTexts();
    expect(actions[0]).toMatch(/single-sign-on/);
    await keep(page, 'audit');
    const wanted = actions.at(-1) ?? '';
    await page.getByRole('combobox').selectOption(wanted);
    await expect
      .poll(async () => new Set(await page.locator('.audit tbody td:nth-child(3)').allInnerTexts()))
      .toEqual(new Set([wanted]));
    expect(complaints).toEqual([]);
  });

  async function failedDelivery(): Promise<void> {
    await api.database.platform.transaction(shared, (tx) =>
      tx.query(
        `with failed as (
           insert into webhook_delivery (id, owner_id, endpoint_id, event_id, type, message, state, attempts, tries_left, created_at)
           select $1, owner_id, id, 0, 'lab.verdict-issued', '{}', 'failed', 1, 0, now() from webhook_endpoint
           returning id, owner_id)
         insert into webhook_attempt (delivery_id, owner_id, attempt, at, duration_ms, answer, error)
         select id, owner_id, 1, now(), 3, '', 'connection refused' from failed`,
        [idOf('a delivery that failed')],
      ),
    );
  }
});

describe('the console of who runs the installation', () => {
  it('makes consultancies, and shows nothing of customers', async () => {
    await api.database.platform.transaction(shared, (tx) =>
      registerOperator(tx, { id: idOf(OPERATOR), email: OPERATOR, name: 'Root' }, new Date()),
    );
    const page = await pageOf(OPERATOR);
    await page.getByLabel('Name', { exact: true }).fill('Harbour');
    await page.getByLabel('E-mail of the first owner').fill('chief@harbour.example');
    await keep(page, 'operator');
    await page.getByRole('button', { name: 'Make it and invite' }).click();
    await page.getByText('The invitation is on its way').waitFor();
    expect(await page.getByRole('navigation').getByRole('link').allInnerTexts()).toEqual([
      'Organisations',
      'Lab',
      'Audit',
      'Root',
    ]);
    await page.getByRole('link', { name: 'Audit' }).click();
    await page.getByRole('cell', { name: 'msp.make' }).first().waitFor();
    expect(complaints).toEqual([]);
  });
});
