import { createLogger } from '@vouch/platform';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { organisation, PASSWORD, TestApi } from './api.js';

const [north] = organisation;
if (!north) throw new Error('The organisation of the tests is not whole.');

describe('every answer tells the browser what it must not do', () => {
  let api: TestApi;
  let cookie: string;
  beforeAll(async () => {
    api = await TestApi.start({ VOUCH_PUBLIC_URL: 'https://vouch.example.org' });
    cookie = await api.signIn(north.technician);
  });
  afterAll(() => api.stop());

  const pages = [
    '/',
    '/api/v1/overview',
    '/api/openapi.json',
    '/health/live',
    '/apt/none/x',
    '/nowhere',
    '/device/v1/manifest',
  ];

  it.each(pages)('%s', async (page) => {
    for (const headers of [{}, { cookie }] as Record<string, string>[]) {
      const answer = await api.get(page, headers);
      await answer.text();
      const found = answer.headers;
      expect(found.get('x-content-type-options')).toBe('nosniff');
      expect(found.get('referrer-policy')).toBe('no-referrer');
      expect(found.get('strict-transport-security')).toMatch(/^max-age=31536000; includeSubDomains$/);
      expect(found.get('cross-origin-opener-policy')).toBe('same-origin');
      const policy = found.get('content-security-policy') ?? '';
      for (const rule of ["default-src 'none'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"])
        expect(policy).toContain(rule);
      expect(policy).not.toMatch(/unsafe|\*/);
      expect(found.get('content-type')).toMatch(/^(text\/html; charset=utf-8|application\/(problem\+)?json)/i);
      expect(found.get('access-control-allow-origin')).toBeNull();
      expect(found.get('x-powered-by') ?? found.get('server')).toBeNull();
    }
  });

  it('the page that documents the API, too: it may have styles of its own, and no script', async () => {
    const answer = await api.get('/api/docs');
    expect(await answer.text()).not.toMatch(/<script(?![^>]* src=)/);
    const policy = answer.headers.get('content-security-policy') ?? '';
    expect(policy.split('; ')).toEqual(
      expect.arrayContaining([
        "default-src 'none'",
        "script-src 'self'",
        "object-src 'none'",
        "frame-ancestors 'none'",
      ]),
    );
    expect(policy.split('; ').filter((rule) => rule.includes('unsafe'))).toEqual(["style-src 'self' 'unsafe-inline'"]);
    const other = await api.get('/api/docsx');
    expect(other.headers.get('content-security-policy')).not.toContain('unsafe');
  });

  it('lets no cache keep what was read with a session', async () => {
    expect((await api.get('/api/v1/overview', { cookie })).headers.get('cache-control')).toBe('no-store');
    expect((await api.get('/api/v1/session')).headers.get('cache-control')).toBe('no-store');
  });

  it('keeps the session where scripts, other sites and plain connections cannot get at it', async () => {
    const attributes =
      (await api.post('/api/v1/session', { email: north.technician, password: PASSWORD })).headers
        .getSetCookie()
        .at(-1) ?? '';
    for (const wanted of ['HttpOnly', 'Secure', 'SameSite=Strict', 'Path=/']) expect(attributes).toContain(wanted);
    expect(attributes).not.toContain('Domain');
  });

  it('asks the browser to forget at sign-out', async () => {
    const session = await api.signIn(north.technician);
    const answer = await fetch(`${api.url}/api/v1/session`, {
      method: 'DELETE',
      headers: { cookie: session, 'x-vouch-csrf': '1' },
    });
    expect(answer.headers.get('clear-site-data')).toContain('"cache"');
  });

  it('believes no X-Forwarded-For but that of our own proxies', async () => {
    const lines: string[] = [];
    const proxied = await TestApi.start(
      { VOUCH_TRUSTED_PROXIES: ['192.0.2.1'] },
      createLogger('test', 'info', { write: (line) => void lines.push(line) }),
    );
    await proxied.get('/api/v1/overview', { 'x-forwarded-for': '203.0.113.9' });
    await proxied.stop();
    const refused = lines
      .filter((line) => line.includes('"refused"'))
      .map((line) => (JSON.parse(line) as { from: string }).from);
    expect(refused).toEqual(['127.0.0.1']);
  });
});
