import fs from 'node:fs/promises';
import path from 'node:path';

/** The worker has not published its public keys yet, so no device can pin them. */
export class PublicKeysMissing extends Error {
  readonly code = 'public-keys-missing';
  constructor() {
    super('The signing keys are not published yet: the worker has not started. Try again in a moment.');
  }
}

/** The public halves of the signing keys, which the worker publishes when it starts. The API never holds a private one. */
export class PublicKeys {
  constructor(private readonly directory: string) {}

  /** SubjectPublicKeyInfo, PEM, of the key that signs manifests. */
  manifestKeyPem(): Promise<string> {
    return this.read('manifest.pem');
  }

  /** OpenPGP, armoured, of the key that signs the channels' apt repositories. */
  aptKeyArmored(): Promise<string> {
    return this.read('apt.asc');
  }

  private async read(name: string): Promise<string> {
    try {
      return await fs.readFile(path.join(this.directory, name), 'utf8');
    } catch {
      throw new PublicKeysMissing();
    }
  }
}
