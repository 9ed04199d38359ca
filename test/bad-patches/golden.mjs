// The golden of the corpus: its profile, and over it the shop in its old version, with data, a certificate and a secret.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { GoldenBuilder, hostRelease, LayerStore, parseProfile } from '@vouch/lab';
import { originals } from './packages.mjs';

/** Run in the new layer, as root of the sandbox; `$DEBS` names what is installed. */
const SCRIPT = `cd /mnt/root
in_root() { chroot /mnt/root env HOME=/root DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@" < /dev/null; }
mount -t proc proc proc
mount -t tmpfs -o mode=0755 tmpfs dev
for node in null zero full random urandom tty; do touch dev/$node; mount --bind /dev/$node dev/$node; done
mkdir -m 1777 dev/shm
mount -t tmpfs -o mode=1777 tmpfs tmp
mount -t tmpfs -o mode=0755 tmpfs run
printf '#!/bin/sh\\nexit 101\\n' > usr/sbin/policy-rc.d
chmod 0755 usr/sbin/policy-rc.d
mkdir -p var/lib/acme-shop etc/acme-shop/tls var/cache/apt/archives
echo 'format 1' > var/lib/acme-shop/data
for deb in $DEBS; do
  name=\${deb%%=*}
  printf %s "\${deb#*=}" | base64 -d > "var/cache/apt/archives/$name"
  in_root dpkg --install "/var/cache/apt/archives/$name"
done
echo '# changed on this machine' >> etc/acme-shop/shop.conf
( umask 027; in_root openssl rand -hex 32 > etc/acme-shop/secret.key )
chmod 0640 etc/acme-shop/secret.key
in_root openssl req -x509 -newkey rsa:2048 -nodes -days 800 -subj /CN=shop.test -addext subjectAltName=DNS:shop.test \\
  -keyout /etc/acme-shop/tls/key.pem -out /etc/acme-shop/tls/cert.pem 2> /dev/null
cat > etc/nginx/conf.d/secure.conf <<'END'
server {
  listen 443 ssl;
  root /var/www/html;
  index index.nginx-debian.html;
  ssl_certificate /etc/acme-shop/tls/cert.pem;
  ssl_certificate_key /etc/acme-shop/tls/key.pem;
}
END
in_root install -d -o postgres -g postgres -m 2775 /run/postgresql
version=$(ls etc/postgresql)
pg_ctl="/usr/lib/postgresql/$version/bin/pg_ctl --wait --pgdata=/var/lib/postgresql/$version/main"
in_root runuser -u postgres -- $pg_ctl -o "-c config_file=/etc/postgresql/$version/main/postgresql.conf" start > /dev/null
in_root runuser -u postgres -- createdb shop
in_root runuser -u postgres -- psql -q shop -c 'create table orders (amount int); insert into orders values (10), (20), (30)'
in_root runuser -u postgres -- $pg_ctl stop > /dev/null
rm -f usr/sbin/policy-rc.d
`;

/** @param {import('@vouch/lab').SandboxHost} host */
export async function corpusGolden(host) {
  const file = path.join(import.meta.dirname, 'profile.yaml');
  const profile = parseProfile(fs.readFileSync(file, 'utf8'), file, (await hostRelease()).stream);
  const plain = await new GoldenBuilder(host).build({ ...profile, probes: [] });
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'vouch-corpus-'));
  try {
    const packages = originals(folder);
    const debs = packages.map(({ file: deb }) => `${path.basename(deb)}=${fs.readFileSync(deb).toString('base64')}`);
    const script = `DEBS='${debs.join(' ')}'\n${SCRIPT}`;
    // Packages differ in their times from build to build; what they hold does not.
    const sources = ['packages.mjs', 'shop/server.pl', 'shop/acme-shop.service'].map((name) =>
      fs.readFileSync(path.join(import.meta.dirname, name), 'utf8'),
    );
    const id = `corpus-shop-${digest([plain.digest, SCRIPT, ...sources]).slice(0, 16)}`;
    await new LayerStore(host).build(id, plain.layers, script, { timeoutMs: 300_000 });
    const own = packages.map(({ artefact }) => ({
      package: artefact.package,
      version: artefact.version,
      architecture: artefact.architecture,
      source: artefact.package,
      sourceVersion: artefact.version,
    }));
    return {
      ...plain,
      profile,
      digest: digest([plain.digest, id, profile]),
      layers: [id, ...plain.layers],
      components: [...plain.components, ...own],
    };
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

const digest = (value) => createHash('sha256').update(JSON.stringify(value)).digest('hex');
