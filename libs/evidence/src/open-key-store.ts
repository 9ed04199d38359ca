import path from 'node:path';
import { ConfigError, type Config } from '@vouch/platform';
import { CommandKeyStore } from './adapters/command-key-store/command-key-store.js';
import { FileKeyStore } from './adapters/file-key-store/file-key-store.js';
import { Pkcs11KeyStore } from './adapters/pkcs11-key-store/pkcs11-key-store.js';
import type { KeyStore } from './key-store.port.js';

/** Only processes that sign read these. */
export const keyStoreSettings = [
  'VOUCH_DATA_DIR',
  'VOUCH_KEY_DIR',
  'VOUCH_KEY_STORE',
  'VOUCH_KEY_COMMAND',
  'VOUCH_PKCS11_MODULE',
  'VOUCH_PKCS11_TOKEN',
  'VOUCH_PKCS11_PIN',
] as const;
export type KeyStoreConfig = Config<(typeof keyStoreSettings)[number]>;

/** The folder of key files, also for what only files can hold (the OpenPGP keys of the channels' repositories). */
export const keyDirectory = (config: KeyStoreConfig): string =>
  config.VOUCH_KEY_DIR ?? path.join(config.VOUCH_DATA_DIR, 'keys');

/** @throws ConfigError when a setting is missing that the chosen store needs */
export function openKeyStore(config: KeyStoreConfig): KeyStore {
  switch (config.VOUCH_KEY_STORE) {
    case 'file':
      return new FileKeyStore(keyDirectory(config));
    case 'command': {
      const [program, ...args] = needed(config, 'VOUCH_KEY_COMMAND').split(' ');
      return new CommandKeyStore([program ?? '', ...args]);
    }
    case 'pkcs11':
      return new Pkcs11KeyStore({
        module: needed(config, 'VOUCH_PKCS11_MODULE'),
        tokenLabel: needed(config, 'VOUCH_PKCS11_TOKEN'),
        pin: needed(config, 'VOUCH_PKCS11_PIN'),
      });
  }
}

function needed(
  config: KeyStoreConfig,
  name: 'VOUCH_KEY_COMMAND' | 'VOUCH_PKCS11_MODULE' | 'VOUCH_PKCS11_TOKEN' | 'VOUCH_PKCS11_PIN',
): string {
  const value = config[name];
  if (value === undefined)
    throw new ConfigError(name, `is needed by VOUCH_KEY_STORE=${config.VOUCH_KEY_STORE} and is not set`);
  return value;
}
