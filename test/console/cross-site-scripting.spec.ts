import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Invitation, Member, Overview, OwnSessions, RunDetail, AccountView } from '@vouch/contracts';
import type { z } from 'zod';
import { overviews, runDetail } from './overviews.js';
import { openBrowser, Stage } from './stage.js';

/** What a device, a feed, a lab or a member could send in the place of a name, as a number `n` of its own. */
const HOSTILE = [
  (n: number) => `<img src=x onerror="window.ran=(window.ran||'')+'${n} '">`,
  (n: number) => `"><script>window.ran='${n}'</script>`,
  (n: number) => `'-(window.ran='${n}')-'`,
  (n: number) => `javascript:window.ran='${n}'`,
  (n: number) => `{{constructor.constructor('window.ran=${n}')()}}<svg onload=window.ran=${n}>`,
];

type Path = readonly (string | number)[];

function stringsOf(value: unknown, path: Path = []): Path[] {
  if (typeof value === 'string') return [path];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, each]) => stringsOf(each, [...path, key]));
}

function put<T>(value: T, [key, ...rest]: Path, text: string): T {
  if (key === undefined) return text as T;
  const copy = structuredClone(value) as Record<string, unknown>;
  copy[String(key)] = put(copy[String(key)], rest, text);
  return copy as T;
}

/** Fills every place that the schema lets hold any text at all: a new field is filled without being told of. */
function poisoned<T>(schema: z.ZodType, value: T, write: (n: number) => string): { value: T; places: string[] } {
  const open = stringsOf(value).filter((path) => schema.safeParse(put(value, path, write(0))).success);
  const filled = open.reduce((made, path, n) => put(made, path, write(n)), value);
  return { value: filled, places: open.map((path) => path.join('.').replaceAll(/\d+/g, '*')) };
}

describe('text from outside', () => {
  const stage = new Stage();
  let browser: Browser;
  let page: Page;
  let url: string;
  const asked: string[] = [];
  beforeAll(async () => {
    url = await stage.open();
    browser = await openBrowser();
    page = await browser.newPage();
    page.on('dialog', (dialog) => void dialog.dismiss());
    page.on('request', (request) => asked.push(request.url()));
  });
  afterAll(async () => {
    await browser?.close();
    await stage.close();
  });

  const harmless = async (what: string): Promise<void> => {
    expect(await page.evaluate('window.ran'), what).toBeUndefined();
    expect(
      await page.locator('#root img:not([src="/vouch.svg"]), #root script, #root svg [onload]').count(),
      what,
    ).toBe(0);
    const links = await page
      .locator('#root a')
      .evaluateAll((all) => all.map((link) => link.getAttribute('href') ?? ''));
    expect(
      links.filter((link) => /^\s*javascript:/i.test(link)),
      what,
    ).toEqual([]);
    expect(
      asked.filter((address) => !address.startsWith(url)),
      what,
    ).toEqual([]);
  };

  it.each(HOSTILE.map((write, n) => [n, write] as const))(
    'is shown as text, whatever it holds (%i)',
    async (_n, write) => {
      const overview = poisoned(Overview, overviews.done, write);
      for (const place of ['tenants.*.devices.*.name', 'patches.*.patch', 'msp', 'member.name'])
        expect(overview.places).toContain(place);
      const run = poisoned(RunDetail, runDetail, write);
      expect(run.places.length).toBeGreaterThan(3);
      stage.overview = overview.value;
      stage.run = run.value;
      await page.goto(`${url}#/`);
      await page.getByText('Machines').first().waitFor();
      for (const summary of await page.locator('summary').all()) await summary.click();
      await page.waitForTimeout(200);
      expect(await page.locator('body').innerText()).toContain(write(0).slice(0, 12));
      await harmless('patches');

      const at = '2026-01-05T08:00:00.000Z';
      const member = {
        id: crypto.randomUUID(),
        tenantId: null,
        name: 'n',
        email: 'e',
        role: 'technician' as const,
        createdAt: at,
      };
      const invitation = { ...member, state: 'open' as const, invitedBy: 'x', expiresAt: at };
      const account = {
        codes: true,
        recoveryCodesLeft: 1,
        required: true,
        passkeys: [{ id: 'x', name: 'n', createdAt: at, lastUsedAt: null }],
      };
      const session = {
        id: crypto.randomUUID(),
        current: true,
        method: 'password' as const,
        address: 'a',
        userAgent: 'u',
        createdAt: at,
        lastSeenAt: at,
        expiresAt: at,
      };
      stage.overview = {
        ...overview.value,
        member: { ...overview.value.member, actions: ['member:read', 'member:manage'] },
      };
      stage.answers.set('/api/v1/members?limit=200', { items: [poisoned(Member, member, write).value] });
      stage.answers.set('/api/v1/invitations?limit=200', { items: [poisoned(Invitation, invitation, write).value] });
      stage.answers.set('/api/v1/account', poisoned(AccountView, account, write).value);
      stage.answers.set('/api/v1/account/sessions', poisoned(OwnSessions, { items: [session] }, write).value);
      for (const [place, title] of [
        ['members', 'Open invitations'],
        ['account', 'Where you are signed in'],
      ] as const) {
        await page.goto('about:blank');
        await page.goto(`${url}#/${place}`);
        await page.getByText(title).waitFor();
        await page.waitForTimeout(200);
        expect(await page.locator('body').innerText()).toContain(write(0).slice(0, 12));
        await harmless(place);
      }
    },
  );
});
