import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestDevice } from './api.js';
import { msp, RestFixture, tenants } from './rest-fixture.js';

const PICTURES = process.env['VOUCH_TEST_PICTURES'];

describe('the console for whoever brings customers and machines', { shuffle: false }, () => {
  let rest: RestFixture;
  let browser: Browser;
  let page: Page;
  const complaints: string[] = [];

  const pageOf = async (email: string): Promise<Page> => {
    const context = await browser.newContext({ viewport: { width: 1180, height: 900 } });
    const [name = '', value = ''] = (await rest.api.signIn(email)).split(/=(.*)/);
    await context.addCookies([{ name, value, url: rest.api.url }]);
    const opened = await context.newPage();
    opened.setDefaultTimeout(8_000);
    opened.on('pageerror', (error) => complaints.push(error.message));
    opened.on('dialog', (dialog) => void dialog.accept());
    await opened.goto(rest.api.url);
    await opened.getByRole('heading', { name: tenants.one.name }).waitFor();
    return opened;
  };
  const keep = async (name: string): Promise<void> => {
    if (PICTURES !== undefined) await page.screenshot({ path: `${PICTURES}/${name}.png`, fullPage: true });
  };
  const customer = (name: string) =>
    page.locator('article').filter({ has: page.getByRole('heading', { name, exact: true }) });

  beforeAll(async () => {
    rest = await RestFixture.start();
    browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] });
    page = await pageOf(msp.technician);
  });
  afterAll(async () => {
    await browser?.close();
    await rest.stop();
  });

  it('adds a customer', async () => {
    await page.getByText('Add a customer').click();
    await page.getByLabel('Name').fill('Corner Bookshop');
    await page.getByRole('button', { name: 'Add', exact: true }).click();
    await customer('Corner Bookshop').getByText('No machine is enrolled yet').waitFor();
  });

  it('says what to run on a machine, once, and shows the machine when it has joined', async () => {
    const shop = customer('Corner Bookshop');
    await shop.getByText('Enrol a machine').click();
    await shop.getByLabel('Its patches come').selectOption('0');
    await shop.getByRole('button', { name: 'Make a token' }).click();
    const commands = await shop.locator('.secret').innerText();
    expect(commands.split('\n')).toEqual([
      `curl -fsSO ${rest.api.url}/agent/vouch-agent.deb`,
      'sudo apt-get install -y ./vouch-agent.deb',
      expect.stringMatching(new RegExp(`^sudo vouch-agent enrol --server ${rest.api.url} --token ve_\\S+$`)),
      'sudo systemctl enable --now vouch-agent',
    ]);
    await keep('enrolment');
    const token = /ve_\S+/.exec(commands)?.[0] ?? '';
    expect((await new TestDevice(rest.api).enrol(token, 'till')).status).toBe(200);
    await shop.getByText('till', { exact: true }).waitFor();
    await shop.getByText('ring 0').waitFor();
    await shop.getByRole('button', { name: 'I have kept it' }).click();
    expect(await page.locator('body').innerText()).not.toContain(token);
  });

  it('revokes a machine', async () => {
    const shop = customer('Corner Bookshop');
    await shop.getByText('Revoke a machine').click();
    await keep('revoking');
    await shop.getByRole('button', { name: 'Revoke it' }).click();
    await shop.getByText('No machine is enrolled yet').waitFor();
    expect(complaints).toEqual([]);
  });

  it('offers none of that to who only reads', async () => {
    page = await pageOf(msp.reader);
    for (const text of ['Add a customer', 'Enrol a machine', 'Revoke a machine'])
      expect(await page.getByText(text).count(), text).toBe(0);
  });
});
