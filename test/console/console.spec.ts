import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Overview } from '@vouch/contracts';
import { overviews } from './overviews.js';
import { openBrowser, Stage } from './stage.js';

describe('the console in a browser', () => {
  const stage = new Stage();
  const complaints: string[] = [];
  let browser: Browser;
  let page: Page;
  let url: string;

  beforeAll(async () => {
    url = await stage.open();
    browser = await openBrowser();
    page = await browser.newPage();
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error' && !/401|502/.test(message.text())) complaints.push(message.text());
    });
    await page.goto(url);
    await page.getByLabel('E-mail').fill('t@example.org');
    await page.getByLabel('Password').fill('secret');
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.getByText('No lab-runner has come yet').waitFor();
  });
  afterAll(async () => {
    await browser?.close();
    await stage.close();
  });

  const shows = async (overview: Overview, text: string): Promise<string> => {
    stage.show(overview);
    await page.getByText(text).first().waitFor();
    return page.locator('body').innerText();
  };

  it('says in a sentence that the mirror cannot be reached', async () => {
    expect(await shows(overviews.unreachable, 'no answer in time')).toContain('It is tried again by itself.');
  });

  it('follows a test as it happens, and tells why a machine waits', async () => {
    const text = await shows(overviews.testing, 'Install exactly these files');
    expect(text).toContain('2 machines of 2 customers wait');
    expect(text).toContain('It is being tested in the lab now.');
  });

  it('shows what the machine under test prints, as text', async () => {
    stage.output = [
      { attempt: 1, step: 'baseline', text: 'good: nginx.service runs (active)\n' },
      { attempt: 1, step: 'apply', text: 'Setting up nginx ...\n<img src=x onerror="document.title=1">\n' },
    ];
    await shows(overviews.testing, 'It is being tested in the lab now.');
    await page.getByText('What the machine prints').click();
    const log = page.getByRole('log');
    await log.getByText('onerror').waitFor();
    expect(await log.innerText()).toContain('Setting up nginx ...');
    expect(await log.locator('img').count()).toBe(0);
    if (process.env['VOUCH_TEST_PICTURES'] !== undefined)
      await page.screenshot({ path: `${process.env['VOUCH_TEST_PICTURES']}/run-output.png`, fullPage: true });
    await page.getByText('What the machine prints').click();
  });

  it('shows a hostile device name as text', async () => {
    await shows(overviews.testing, 'onerror');
    expect(await page.title()).toBe('Vouch');
    expect(await page.locator('.device img').count()).toBe(0);
  });

  it('shows the verdict, and what was not tested beside what was', async () => {
    const text = await shows(overviews.done, 'Everything that worked before works afterwards.');
    for (const expected of [
      '95 %',
      'the kernel and its drivers',
      '3 packages of the machines not installed in the lab.',
      'a'.repeat(64),
    ]) {
      expect(text).toContain(expected);
    }
    expect(await page.locator('.device.installed').count()).toBe(2);
  });

  it('shows shares that sum to the cost, and marks the stand-in', async () => {
    const text = await shows(overviews.done, 'Cost of the test');
    const cents = (value: string): number => Math.round(Number(value.replace(/[^\d.]/g, '')) * 100);
    const shares = await page.locator('.money td').allInnerTexts();
    expect(shares.map(cents).reduce((a, b) => a + b, 0)).toBe(28);
    expect(text).toContain('€0.28');
    expect(text).toContain('no money moves');
  });

  it('tells an owner, who sees only the own share, what the others pay', async () => {
    const text = await shows(overviews.owner, 'Others who needed it');
    expect(await page.locator('.money td').allInnerTexts()).toEqual(['€0.14', '€0.14']);
    expect(text).not.toContain('Joinery');
  });

  it('shows each check under the time at which it was made', async () => {
    await shows(overviews.done, 'Evidence');
    await page.getByText('1 check, 2 times').click();
    const table = page.locator('details[open] table');
    const times = ['Before', 'After', 'After restart', 'Taken back'];
    expect(await table.locator('th').allInnerTexts()).toEqual(['Check', ...times]);
    expect(await table.locator('td').allInnerTexts()).toEqual(['web site answers', '—', 'good', 'good', '—']);
  });

  it('says that it is cut off, and finds back by itself', async () => {
    await shows(overviews.done, 'Cost of the test');
    stage.leave();
    await page.getByText('reconnecting').waitFor();
    await page.getByText('what you see may be old').waitFor();
    stage.away = false;
    await page.getByRole('status').getByText('live', { exact: true }).waitFor();
    await page.getByText('what you see may be old').waitFor({ state: 'detached' });
  });

  it('says why a patch failed', async () => {
    const text = await shows(overviews.failed, 'failed the test');
    expect(text).toContain('After this update the web server did not start any more.');
    expect(text).toContain('nginx.service is not active');
  });

  it('fits a phone', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await shows(overviews.done, 'Cost of the test');
    const overflow = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
    expect(overflow).toBe(0);
    await page.setViewportSize({ width: 1280, height: 900 });
  });

  it('works without a mouse', async () => {
    stage.show(overviews.done);
    await page.getByText('Cost of the test').waitFor();
    await page.getByRole('navigation', { name: 'Patches' }).getByRole('button').focus();
    await page.keyboard.press('Enter');
    expect(await page.locator('button[aria-current=true]').count()).toBe(1);
  });

  it('made the browser complain of nothing', () => {
    expect(complaints).toEqual([]);
  });
});
