import type { FastifyReply } from 'fastify';
import { describe, expect, it } from 'vitest';
import { SessionCookie } from './session-cookie.js';

/** What `write` asks of the reply. */
function written(publicUrl: string): [string, object] {
  let asked: [string, object] | undefined;
  const reply = {
    setCookie: (name: string, _value: string, options: object) => {
      asked = [name, options];
    },
  } as unknown as FastifyReply;
  new SessionCookie(publicUrl).write(reply, { secret: 's', expiresAt: new Date(0) });
  if (asked === undefined) throw new Error('No cookie was set.');
  return asked;
}

describe('the session cookie', () => {
  it('over TLS is bound to this host: prefix, Secure, path /, and no Domain', () => {
    const [name, options] = written('https://vouch.example');
    expect(name).toBe('__Host-vouch_session');
    expect(options).toMatchObject({ secure: true, path: '/', httpOnly: true, sameSite: 'strict' });
    expect(options).not.toHaveProperty('domain');
  });

  it('without TLS has a name that browsers take', () => {
    const [name, options] = written('http://localhost:3000');
    expect(name).toBe('vouch_session');
    expect(options).toMatchObject({ secure: false, httpOnly: true, sameSite: 'strict' });
  });

  it('over TLS is read under its bound name alone: one planted without the prefix counts for nothing', () => {
    const cookie = new SessionCookie('https://vouch.example');
    expect(cookie.read({ cookies: { vouch_session: 'planted' } })).toBeUndefined();
    expect(cookie.read({ cookies: { '__Host-vouch_session': 'ours' } })).toBe('ours');
  });
});
