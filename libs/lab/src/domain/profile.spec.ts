import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseProfile, profileDigest, ProfileInvalid } from './profile.js';

const text = `name: shop
title: A shop
stream: tiger-1-amd64
components:
  - package: nginx
`;

describe('parseProfile', () => {
  it('reads what a technician writes', () => {
    expect(parseProfile(text, 'shop.yaml')).toEqual({
      name: 'shop',
      title: 'A shop',
      stream: 'tiger-1-amd64',
      components: [{ package: 'nginx' }],
      files: [],
      seed: [],
      probes: [],
    });
  });

  it('takes the stream of the lab machine when the profile names none, and never overrides one', () => {
    expect(parseProfile(text.replace(/stream.*\n/, ''), 'shop.yaml', 'lion-2-amd64').stream).toBe('lion-2-amd64');
    expect(parseProfile(text, 'shop.yaml', 'lion-2-amd64').stream).toBe('tiger-1-amd64');
  });

  it.each([
    ['no components', text.replace(/components[^]*/, 'components: []'), 'components'],
    ['a name with a space', text.replace('shop', 'my shop'), 'name'],
    ['an unknown probe', `${text}probes:\n  - type: telepathy\n    name: mind\n`, 'probes.0'],
    ['two probes of one name', `${text}probes:\n${'  - { type: tcp, name: a, port: 1 }\n'.repeat(2)}`, '"a"'],
    ['broken YAML', 'name: [', 'line 1'],
    ['an alias', `${text}files: &f []\nseed: *f\n`, 'aliases'],
    ['a tag', `${text}seed: !!js/function 'x'\n`, 'tag'],
    ['a key twice', `${text}name: other\n`, 'unique'],
    ['two documents', `${text}---\n${text}`, 'document'],
    ['a list', '- 1', 'expected object'],
    ['nothing', '', 'expected object'],
  ])('refuses %s, and says where', (_case, wrong, where) => {
    expect(() => parseProfile(wrong, 'shop.yaml')).toThrow(ProfileInvalid);
    expect(() => parseProfile(wrong, 'shop.yaml')).toThrow(where);
  });

  it('accepts the profiles that come with Vouch', () => {
    const file = path.join(import.meta.dirname, '../../profiles/web-database.yaml');
    expect(parseProfile(readFileSync(file, 'utf8'), file, 'tiger-1-amd64').components).not.toHaveLength(0);
  });
});

describe('profileDigest', () => {
  it('depends on what a profile says, not on how it is written', () => {
    const reordered = `components: [{ package: nginx }]\ntitle: "A shop"\nstream: tiger-1-amd64\nname: shop\nprobes: []\n`;
    const digest = profileDigest(parseProfile(text, 'a'));
    expect(profileDigest(parseProfile(reordered, 'b'))).toBe(digest);
    expect(profileDigest(parseProfile(text.replace('nginx', 'apache2'), 'c'))).not.toBe(digest);
  });
});
