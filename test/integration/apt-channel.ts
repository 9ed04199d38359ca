import { execFile, execFileSync } from 'node:child_process';
import { createReadStream } from 'node:fs';
import fs from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { ApprovedPackage } from '@vouch/approval';
import { sha256Hex, type ContentStore } from '@vouch/platform';

/** A real, tiny Debian package, in the content store as an approved one is. */
export async function buildPackage(
  directory: string,
  store: ContentStore,
  fields: { readonly package: string; readonly version: string; readonly depends?: string },
): Promise<ApprovedPackage> {
  const name = `${fields.package}_${fields.version}_all.deb`;
  const tree = path.join(directory, 'build', name);
  await fs.mkdir(path.join(tree, 'DEBIAN'), { recursive: true, mode: 0o755 });
  const control = [
    `Package: ${fields.package}`,
    `Version: ${fields.version}`,
    'Architecture: all',
    'Maintainer: Nobody <nobody@invalid>',
    ...(fields.depends === undefined ? [] : [`Depends: ${fields.depends}`]),
    'Description: made by a test',
    ' and thrown away with it',
    '',
  ].join('\n');
  await fs.writeFile(path.join(tree, 'DEBIAN', 'control'), control);
  const file = path.join(directory, name);
  execFileSync('dpkg-deb', ['--root-owner-group', '--build', tree, file], { stdio: 'ignore' });
  const bytes = await fs.readFile(file);
  const sha256 = await store.put(bytes);
  return {
    package: fields.package,
    version: fields.version,
    architecture: 'all',
    fileName: `pool/main/${name}`,
    sizeBytes: bytes.length,
    sha256,
    stanza: `${control}Filename: pool/main/${name}\nSize: ${bytes.length}\nSHA256: ${sha256Hex(bytes)}\n`,
  };
}

/** Serves a folder on 127.0.0.1, and can put other bytes in the place of a file: a hostile mirror. */
export class FolderServer {
  readonly forged = new Map<RegExp, Buffer>();

  private constructor(private readonly server: http.Server) {}

  static async open(directory: string): Promise<FolderServer> {
    const server = http.createServer();
    const served = new FolderServer(server);
    server.on('request', (request: http.IncomingMessage, response: http.ServerResponse) => {
      const name = decodeURIComponent(request.url ?? '');
      const forged = [...served.forged].find(([pattern]) => pattern.test(name));
      if (forged) return void response.end(forged[1]);
      createReadStream(path.join(directory, name))
        .on('error', () => response.writeHead(404).end())
        .pipe(response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return served;
  }

  get uri(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

export interface AptAnswer {
  readonly ok: boolean;
  readonly output: string;
}

/** A real apt with a root, lists and packages of its own, that touches nothing of this machine's. */
export class AptRoot {
  private constructor(private readonly directory: string) {}

  /** Its configuration switches both checks of time off, as many images do: our sources file has to switch them on. */
  static async make(directory: string, source: { uri: string; suite: string; key: string }): Promise<AptRoot> {
    const root = new AptRoot(directory);
    const folders = ['etc/apt/apt.conf.d', 'etc/apt/preferences.d', 'etc/apt/trusted.gpg.d', 'var/lib/dpkg'];
    folders.push(
      'var/lib/apt/lists/partial',
      'var/cache/apt/archives/partial',
      'var/log/apt',
      'etc/apt/sources.list.d',
    );
    for (const folder of folders) await fs.mkdir(path.join(directory, folder), { recursive: true });
    await fs.writeFile(path.join(directory, 'var/lib/dpkg/status'), '');
    await fs.writeFile(path.join(directory, 'key.asc'), source.key);
    await fs.writeFile(
      path.join(directory, 'apt.conf'),
      [
        `Dir "${directory}";`,
        `Dir::State::status "${directory}/var/lib/dpkg/status";`,
        'APT::Architecture "amd64";',
        'APT::Architectures { "amd64"; };',
        'APT::Sandbox::User "root";',
        'APT::Update::Error-Mode "any";',
        'Acquire::Languages "none";',
        'Acquire::Retries "0";',
        'Acquire::Check-Valid-Until "false";',
        'Acquire::Check-Date "false";',
      ].join('\n'),
    );
    await fs.writeFile(
      path.join(directory, 'etc/apt/sources.list.d/vouch.sources'),
      [
        'Types: deb',
        `URIs: ${source.uri}`,
        `Suites: ${source.suite}`,
        'Components: main',
        `Signed-By: ${directory}/key.asc`,
        'Check-Valid-Until: yes',
        'Check-Date: yes',
        '',
      ].join('\n'),
    );
    return root;
  }

  run(program: 'apt-get' | 'apt-cache', ...parameters: string[]): Promise<AptAnswer> {
    // `http_proxy` of the machine would lead away from 127.0.0.1.
    const env = {
      PATH: process.env['PATH'] ?? '',
      LC_ALL: 'C.UTF-8',
      APT_CONFIG: path.join(this.directory, 'apt.conf'),
    };
    return new Promise((resolve, reject) => {
      execFile(program, parameters, { env, cwd: this.directory }, (error, stdout, stderr) => {
        if (error && typeof error.code !== 'number') reject(error);
        else resolve({ ok: error === null, output: `${stdout}${stderr}` });
      });
    });
  }

  update(): Promise<AptAnswer> {
    return this.run('apt-get', 'update');
  }

  /** All packages that it could install, with their versions. */
  async offered(): Promise<string[]> {
    const { output } = await this.run('apt-cache', 'dumpavail');
    return [...output.matchAll(/^Package: (\S+)\n(?:.+\n)*?Version: (\S+)/gm)]
      .map((found) => `${found[1]} ${found[2]}`)
      .sort();
  }

  /** The bytes of a package as apt fetched and checked it. */
  async download(name: string): Promise<AptAnswer & { readonly bytes: Buffer | null }> {
    const answer = await this.run('apt-get', 'download', name);
    const file = (await fs.readdir(this.directory)).find(
      (entry) => entry.startsWith(`${name}_`) && entry.endsWith('.deb'),
    );
    return { ...answer, bytes: file === undefined ? null : await fs.readFile(path.join(this.directory, file)) };
  }
}
