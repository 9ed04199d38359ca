import { describe, expect, it } from 'vitest';
import { ConfigError, loadConfig, settings, type SettingName } from './config.js';

const message = (name: SettingName, value: string | undefined): string => {
  try {
    loadConfig([name], { [name]: value });
    return '';
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message;
  }
};

describe('settings', () => {
  it.each<[SettingName, string | undefined, string]>([
    ['DATABASE_URL', undefined, 'DATABASE_URL is not set.'],
    ['DATABASE_URL', '', 'DATABASE_URL is not set.'],
    ['DATABASE_URL', 'mysql://x/y', 'DATABASE_URL must be a postgresql:// URL.'],
    ['REDIS_URL', 'localhost', 'REDIS_URL must be a redis:// or rediss:// URL.'],
    ['VOUCH_DATA_DIR', 'relative', 'VOUCH_DATA_DIR must be an absolute path.'],
    ['VOUCH_LAB_TOKEN', 'short', 'VOUCH_LAB_TOKEN must have at least 32 characters.'],
    ['STRIPE_WEBHOOK_SECRET', 'x', 'STRIPE_WEBHOOK_SECRET must start with whsec_.'],
  ])('%s = %j is refused in one sentence that names it', (name, value, sentence) => {
    expect(message(name, value)).toBe(sentence);
  });

  it('a wrong secret is never repeated in what is said about it', () => {
    expect(message('STRIPE_SECRET_KEY', 'my-own-password')).not.toContain('my-own-password');
  });

  it('take a default where there is one, and are numbers where they are numbers', () => {
    const config = loadConfig(['VOUCH_LEASE_SECONDS', 'VOUCH_PORT', 'VOUCH_STRIPE_API_URL'], { VOUCH_PORT: '8080' });
    expect(config).toEqual({ VOUCH_LEASE_SECONDS: 30, VOUCH_PORT: 8080, VOUCH_STRIPE_API_URL: undefined });
  });

  it('refuse every number that is none', () => {
    for (const value of ['0', '-1', '70000', 'x', '1.5']) expect(message('VOUCH_PORT', value)).toMatch(/^VOUCH_PORT /);
  });

  it('are all named for what they are: ours with VOUCH_, others as their owners call them', () => {
    for (const name of Object.keys(settings)) expect(name).toMatch(/^(VOUCH_|STRIPE_|DATABASE_URL$|REDIS_URL$)/);
  });
});
