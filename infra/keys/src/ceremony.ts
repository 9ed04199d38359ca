import fs from 'node:fs/promises';
import path from 'node:path';
import { aptKeyring, OpenPgpSigner } from '@vouch/approval';
import { DsseEnvelope, KeyPurpose, TRUST_PAYLOAD_TYPE, TrustDocument } from '@vouch/contracts';
import {
  FileKeyStore,
  firstTrust,
  generationsOf,
  keyDirectory,
  keyName,
  openKeyStore,
  renewed,
  revoked,
  rotated,
  seal,
  TrustRejected,
  TrustStore,
  trustBytes,
  withAptKeyring,
  withRoots,
  type KeyStore,
  type KeyStoreConfig,
  type Signer,
} from '@vouch/evidence';
import type { Clock } from '@vouch/platform';

/** A machine that is switched off for a season still finds its way; a stolen server stops after a year. */
const VALID_DAYS = 365;
const OVERLAP_DAYS = 30;

/** Making and changing the keys of an installation. What changes trust is signed by the root, wherever that lies. */
export class Ceremony {
  private readonly trust: TrustStore;
  private readonly store: KeyStore;
  private readonly roots: FileKeyStore;
  private readonly keyDir: string;

  constructor(
    config: KeyStoreConfig,
    private readonly rootDir: string,
    private readonly clock: Clock,
    private readonly say: (line: string) => void,
  ) {
    this.trust = new TrustStore(path.join(config.VOUCH_DATA_DIR, 'public-keys/trust'));
    this.store = openKeyStore(config);
    this.roots = new FileKeyStore(rootDir);
    this.keyDir = keyDirectory(config);
  }

  /** Makes whatever is missing; does nothing where a trust document is there. */
  async init(): Promise<void> {
    if ((await this.trust.newest()) !== null) return;
    const root = await this.roots.create('root');
    const [manifest, verdict, audit] = [
      await this.store.create('manifest'),
      await this.store.create('verdict'),
      await this.store.create('audit'),
    ];
    const apt = await OpenPgpSigner.open(path.join(this.keyDir, 'apt.asc'), 'Vouch channels');
    const keyring = await aptKeyring([apt.publicKeyArmored]);
    await this.publishSigned(firstTrust([root], 1, { manifest, verdict, audit }, keyring, this.validity()), [root]);
    this.say(`The root key lies in ${this.rootDir}. Move it off this machine before you look after others' servers;`);
    this.say('docs/keys.md says how. Machines that enrol may name it: --root ' + root.keyId);
  }

  async show(): Promise<void> {
    const document = await this.newest();
    this.say(`trust document ${document.version} of ${document.issuedAt}, expires ${document.expires}`);
    this.say(`roots (${document.roots.threshold} must sign):`);
    for (const { keyId } of document.roots.keys) this.say(`  ${keyId}`);
    for (const { purpose, keyId, from, until, revoked: gone } of document.keys)
      this.say(
        `${purpose.padEnd(9)} ${keyId} from ${from}${gone ? ' REVOKED' : until === null ? '' : ` until ${until}`}`,
      );
  }

  /** @param purpose `apt`, or a key purpose of the trust document */
  async rotate(purpose: string): Promise<void> {
    const document = await this.newest();
    if (purpose === 'apt') return this.rotateApt(document);
    const known = KeyPurpose.safeParse(purpose);
    if (!known.success) throw new TrustRejected(`There is no purpose ${purpose}: manifest, verdict, audit or apt.`);
    const key = await this.store.create(keyName(purpose, (await generationsOf(this.store, purpose)) + 1));
    await this.change(rotated(document, known.data, key, OVERLAP_DAYS, this.validity()));
  }

  async revoke(keyId: string): Promise<void> {
    const document = await this.newest();
    if (!document.keys.some((key) => key.keyId === keyId)) throw new TrustRejected(`There is no key ${keyId}.`);
    await this.change(revoked(document, keyId, this.validity()));
  }

  async renew(): Promise<void> {
    await this.change(renewed(await this.newest(), this.validity()));
  }

  async rotateRoot(): Promise<void> {
    const document = await this.newest();
    const next = await this.roots.create(keyName('root', (await generationsOf(this.roots, 'root')) + 1));
    await this.change(withRoots(document, [next], 1, this.validity()));
  }

  /** On the machine of the root: signs a draft with every root of its folder, and prints the envelope. */
  async sign(file: string): Promise<void> {
    const document = TrustDocument.parse(JSON.parse(await fs.readFile(file, 'utf8')));
    this.say(JSON.stringify(await this.sealed(document, await this.rootsHere())));
  }

  async publish(file: string): Promise<void> {
    const envelope = DsseEnvelope.parse(JSON.parse(await fs.readFile(file, 'utf8')));
    const { version } = await this.trust.publish(envelope);
    this.say(`Trust document ${version} is published. Restart the worker, so that it signs with the new keys.`);
  }

  private async rotateApt(document: TrustDocument): Promise<void> {
    const files = await OpenPgpSigner.filesIn(this.keyDir);
    const next = await OpenPgpSigner.open(
      path.join(this.keyDir, `${keyName('apt', files.length + 1)}.asc`),
      'Vouch channels',
    );
    // The one before stays in the keyring: repositories that it signed are there until they are published anew.
    const before = await Promise.all(files.slice(0, 1).map((file) => OpenPgpSigner.open(file, 'Vouch channels')));
    const keyring = await aptKeyring([next, ...before].map((signer) => signer.publicKeyArmored));
    await this.change(withAptKeyring(document, keyring, this.validity()));
  }

  /** Signs and publishes with the roots that are here, or leaves a draft for where they are. */
  private async change(document: TrustDocument): Promise<void> {
    const roots = await this.rootsHere();
    if (roots.length > 0) return this.publishSigned(document, roots);
    const draft = path.resolve(`trust-${document.version}.draft.json`);
    await fs.writeFile(draft, `${trustBytes(document).toString('utf8')}\n`);
    this.say(`No root is in ${this.rootDir}. The draft ${draft} waits for its signature: there, run`);
    this.say(`npm run keys -- sign ${path.basename(draft)} --root FOLDER, and publish here what it prints.`);
  }

  private async publishSigned(document: TrustDocument, roots: readonly Signer[]): Promise<void> {
    const { version } = await this.trust.publish(await this.sealed(document, roots));
    this.say(`Trust document ${version} is published${version === 1 ? '' : '. Restart the worker'}.`);
  }

  private async sealed(document: TrustDocument, roots: readonly Signer[]): Promise<DsseEnvelope> {
    const [first, ...more] = roots;
    if (first === undefined) throw new TrustRejected(`No root key is in ${this.rootDir}.`);
    return seal(TRUST_PAYLOAD_TYPE, trustBytes(document), first, ...more);
  }

  private async rootsHere(): Promise<Signer[]> {
    const count = await generationsOf(this.roots, 'root');
    return Promise.all(Array.from({ length: count }, (_, index) => this.roots.open(keyName('root', index + 1))));
  }

  private async newest(): Promise<TrustDocument> {
    const newest = await this.trust.newest();
    if (newest === null) throw new TrustRejected('There is no trust document yet: run init first.');
    return newest.document;
  }

  private validity(): { now: Date; validDays: number } {
    return { now: this.clock(), validDays: VALID_DAYS };
  }
}
