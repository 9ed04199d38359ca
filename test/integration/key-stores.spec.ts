import { execFileSync } from 'node:child_process';
import { createPublicKey, verify } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {
  CommandKeyStore,
  FileKeyStore,
  keyIdOf,
  KeyStoreError,
  open,
  Pkcs11KeyStore,
  seal,
  type KeyStore,
} from '@vouch/evidence';
import { afterAll, describe, expect, it } from 'vitest';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'vouch-keys-'));
afterAll(() => fs.rmSync(folder, { recursive: true }));
const LIBRARY = '/usr/lib/softhsm/libsofthsm2.so';
const hasToken = fs.existsSync(LIBRARY) && fs.existsSync('/usr/bin/pkcs11-tool');

/** A token of the tests in software, with a PIN. */
function softToken(): Pkcs11KeyStore {
  const config = path.join(folder, 'softhsm2.conf');
  fs.mkdirSync(path.join(folder, 'tokens'));
  fs.writeFileSync(config, `directories.tokendir = ${folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n`);
  const env = { SOFTHSM2_CONF: config };
  const init = ['--init-token', '--free', '--label', 'vouch', '--pin', '246810', '--so-pin', '135790'];
  execFileSync('softhsm2-util', init, { env: { ...process.env, ...env }, stdio: 'ignore' });
  return new Pkcs11KeyStore({ module: LIBRARY, tokenLabel: 'vouch', pin: '246810', env });
}

/** What a cloud's key service would do, by openssl. */
function keyProgram(): readonly [string, string] {
  const program = path.join(folder, 'key-program');
  fs.mkdirSync(path.join(folder, 'remote'));
  fs.writeFileSync(
    program,
    `cd "${folder}/remote" || exit 1
key="$2.pem"
case "$1 $2" in
  *\\ manifest | *\\ verdict) [ -e "$key" ] || openssl ecparam -name prime256v1 -genkey -noout -out "$key" ;;
  *\\ rsa) [ -e "$key" ] || openssl genrsa -out "$key" 2048 ;;
esac
[ -e "$key" ] || exit 3
case $1 in
  public-key) openssl pkey -in "$key" -pubout ;;
  sign) if [ -e forger ]; then echo Zm9yZ2Vk; else openssl dgst -sha256 -sign "$key" | base64 --wrap=0; fi ;;
esac 2> /dev/null
`,
  );
  return ['/bin/bash', program];
}

const stores: [string, () => KeyStore, boolean][] = [
  ['files', () => new FileKeyStore(path.join(folder, 'files')), true],
  ['a token behind PKCS#11', softToken, hasToken],
  ['a program of the operator', () => new CommandKeyStore(keyProgram()), true],
];

for (const [title, make, there] of stores) {
  describe.skipIf(!there)(`keys in ${title}`, () => {
    let store: KeyStore;
    const opened = (): KeyStore => (store ??= make());

    it('sign what verifies with the public key, under its digest', async () => {
      const signer = await opened().create('manifest');
      const signature = await signer.sign(Buffer.from('approved'));
      expect(verify('sha256', Buffer.from('approved'), createPublicKey(signer.publicKeyPem), signature)).toBe(true);
      expect(verify('sha256', Buffer.from('other'), createPublicKey(signer.publicKeyPem), signature)).toBe(false);
      expect(signer.keyId).toBe(keyIdOf(signer.publicKeyPem));
      const envelope = await seal('type', Buffer.from('payload'), signer);
      expect(open(envelope, 'type', [signer.publicKeyPem]).toString()).toBe('payload');
    });

    it('are made once, and found again by their name', async () => {
      const [first, again, found] = [
        await opened().create('manifest'),
        await opened().create('manifest'),
        await opened().open('manifest'),
      ];
      expect([again.keyId, found.keyId]).toEqual([first.keyId, first.keyId]);
      expect((await opened().create('verdict')).keyId).not.toBe(first.keyId);
    });

    it('that are not there are an error, never a new key', async () => {
      expect(await opened().has('audit')).toBe(false);
      await expect(opened().open('audit')).rejects.toBeInstanceOf(KeyStoreError);
      expect(await opened().has('audit')).toBe(false);
    });

    it.each(['../manifest', 'a b', '', '--pin'])('are not asked for as %j', async (name) => {
      await expect((async () => opened().open(name))()).rejects.toBeInstanceOf(TypeError);
    });
  });
}

describe('a key store that cannot be believed', () => {
  it('is found out when its signature does not hold', async () => {
    const signer = await new CommandKeyStore(['/bin/bash', path.join(folder, 'key-program')]).open('manifest');
    fs.writeFileSync(path.join(folder, 'remote/forger'), '');
    await expect(signer.sign(Buffer.from('approved'))).rejects.toThrow('does not hold');
    fs.rmSync(path.join(folder, 'remote/forger'));
  });

  it('is found out when its key is of another kind', async () => {
    const store = new CommandKeyStore(['/bin/bash', path.join(folder, 'key-program')]);
    await expect(store.open('rsa')).rejects.toThrow('no public key on P-256');
  });

  it('is an error when its program is not there', async () => {
    await expect(new CommandKeyStore(['/nonexistent/program']).has('manifest')).rejects.toBeInstanceOf(KeyStoreError);
  });

  it.skipIf(!hasToken)('lets nobody in with a wrong PIN', async () => {
    const env = { SOFTHSM2_CONF: path.join(folder, 'softhsm2.conf') };
    const store = new Pkcs11KeyStore({ module: LIBRARY, tokenLabel: 'vouch', pin: '000000', env });
    await expect(store.open('manifest')).rejects.toBeInstanceOf(KeyStoreError);
  });

  it('that others may read is refused', async () => {
    const file = path.join(folder, 'files/verdict.pem');
    fs.chmodSync(file, 0o644);
    await expect(new FileKeyStore(path.join(folder, 'files')).open('verdict')).rejects.toThrow('0600');
  });
});
