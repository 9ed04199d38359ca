// `npm run demo:code`: the code that the demo's consultants are asked for when they sign in, as an app would show it.
import fs from 'node:fs';
import path from 'node:path';
import { TOTP } from 'otpauth';
import { root } from './prepare.mjs';

const file = path.join(path.resolve(process.env.VOUCH_DATA_DIR || path.join(root, '.data')), 'keys/secrets.json');
const { demoCodeSecret: secret } = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : {};
if (secret === undefined) {
  console.error('There is no demo yet: run npm start first.');
  process.exit(1);
}
const totp = new TOTP({ secret });
console.log(`${totp.generate()}   (for ${Math.ceil(totp.remaining() / 1000)} more seconds; each code works once)`);
