import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** Secrets of this installation, made once and kept where only their owner reads them. */
export function loadSecrets(dataDir) {
  const folder = path.join(dataDir, 'keys');
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = path.join(folder, 'secrets.json');
  const known = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : {};
  const secret = () => randomBytes(24).toString('hex');
  const secrets = {
    databaseApp: secret(),
    databasePlatform: secret(),
    labToken: `vl_${secret()}`,
    metricsToken: secret(),
    stripeKey: `sk_test_${secret()}`,
    stripeWebhook: `whsec_${secret()}`,
    demoPassword: randomBytes(9).toString('base64url'),
    demoCodeSecret: Array.from(randomBytes(32), (byte) => BASE32[byte % 32]).join(''),
    secretsKey: randomBytes(32).toString('base64'),
    ...known,
  };
  fs.writeFileSync(`${file}.part`, JSON.stringify(secrets, null, 2), { mode: 0o600 });
  fs.renameSync(`${file}.part`, file);
  return secrets;
}
