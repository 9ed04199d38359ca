import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  AccountView,
  ApiKeyPage,
  AuditPage,
  HoldPage,
  Invitation,
  LabQueue,
  Member,
  OpenInvitation,
  Overview,
  OwnSessions,
  PolicyPage,
  RunDetail,
  SignedIn,
  SingleSignOnView,
  WaiverPage,
  WebhookDeliveryPage,
  WebhookEndpointPage,
} from '@vouch/contracts';
import { z } from 'zod';
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
      // Another fragment alone would not load the page anew, with what is on the stage now.
      await page.goto('about:blank');
      await page.goto(`${url}#/`);
      await page.getByText('Machines').first().waitFor();
      for (const summary of await page.locator('summary').all()) await summary.click();
      await expect.poll(() => page.locator('body').innerText()).toContain(write(0).slice(0, 12));
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
        await expect.poll(() => page.locator('body').innerText()).toContain(write(0).slice(0, 12));
        await harmless(place);
      }
    },
  );

  /** All of it at once; an address begins with what would be run by a click on it. */
  const everything = (n: number): string =>
    [...HOSTILE]
      .reverse()
      .map((write) => write(n))
      .sort(addressFirst)
      .join(' ');
  const addressFirst = (a: string, b: string): number => Number(b.startsWith('java')) - Number(a.startsWith('java'));
  let written = 1000;
  /** The example of a schema, filled like `poisoned` with numbers that nothing else has. @returns them, too */
  function poisonedExample(schema: z.ZodType): { value: unknown; numbers: number[] } {
    const first = written;
    const { value, places } = poisoned(schema, exampleOf(schema), (n) => everything(first + n));
    expect(places.length).toBeGreaterThan(0);
    written += places.length;
    return { value, numbers: places.map((_, n) => first + n) };
  }

  const ENDPOINTS = '/api/v1/webhook-endpoints';
  const exampleOf = (schema: z.ZodType): unknown =>
    ((z.globalRegistry.get(schema)?.examples ?? []) as readonly unknown[])[0];
  const endpoint = (exampleOf(WebhookEndpointPage) as { items: { id: string }[] }).items[0]?.id;
  const { revisionId, verdict } = overviews.done.patches[0] ?? {};
  it.each<[page: string, what: string, answers: Record<string, z.ZodType>]>([
    ['policies', 'policies', { '/api/v1/policies?limit=200': PolicyPage }],
    [
      'programs',
      'keys, webhooks with what was sent, and the identity provider',
      {
        '/api/v1/api-keys?limit=200': ApiKeyPage,
        [`${ENDPOINTS}?limit=200`]: WebhookEndpointPage,
        [`${ENDPOINTS}/${endpoint}/deliveries?limit=20`]: WebhookDeliveryPage,
        '/api/v1/single-sign-on': SingleSignOnView,
      },
    ],
    ['audit', 'the audit trail', { '/api/v1/audit?order=newest&limit=50': AuditPage }],
    [
      '',
      'holds and waivers',
      {
        [`/api/v1/holds?revisionId=${revisionId}`]: HoldPage,
        [`/api/v1/waivers?verdictId=${verdict?.id}`]: WaiverPage,
      },
    ],
    ['lab', "the operator's lab", { '/api/v1/session': SignedIn, '/api/v1/lab/queue': LabQueue }],
    ['invitation/vi_secret', 'an invitation', { 'POST /api/v1/invitations/look': OpenInvitation }],
  ])('is shown as text on the page "%s": %s', async (place, what, answers) => {
    const actions = ['policy:read', 'policy:change', 'api-key:read', 'webhook:read', 'webhook:manage', 'hold:read'];
    const { member } = overviews.done;
    stage.overview = {
      ...overviews.done,
      member: { ...member, actions: [...actions, 'audit:read', 'member:read', 'single-sign-on:read'] },
    };
    stage.isOperator = place === 'lab';
    const filled = Object.entries(answers).map(([path, schema]) => [path, poisonedExample(schema)] as const);
    for (const [path, { value }] of filled) stage.answers.set(path, value);
    if (place === 'lab') {
      const { value } = filled[0]?.[1] ?? {};
      stage.answers.set('/api/v1/session', { ...(value as object), actions: ['lab-queue:read', 'run:cancel'] });
    }
    await page.goto('about:blank');
    await page.goto(`${url}#/${place}`);
    // Each answer shows somewhere; what is folded is unfolded.
    for (const [path, { numbers }] of filled) {
      const shows = async (): Promise<boolean> => {
        await page.evaluate("document.querySelectorAll('details').forEach((folded) => (folded.open = true))");
        const text = await page.locator('body').innerText();
        return numbers.some((n) => text.includes(`window.ran='${n}'`));
      };
      await expect.poll(shows, { message: `${path} shows`, timeout: 8_000 }).toBe(true);
    }
    await harmless(what);
    stage.isOperator = false;
    stage.answers.clear();
  });
});
