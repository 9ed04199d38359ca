// A runner that is killed the moment it has made the first directory that carries a machine's name.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { VmFolder } from '../../libs/lab/dist/adapters/vm/vm-folder.js';
import { Machine, SandboxHost } from '../../libs/lab/dist/index.js';

const [directory, layers, name, kind] = process.argv.slice(2);
const host = await SandboxHost.open(directory);
const { mkdir } = fs.promises;
fs.promises.mkdir = async (file, ...options) => {
  await mkdir(file, ...options);
  if (path.basename(file).includes(name)) process.kill(process.pid, 'SIGKILL');
};
syncBuiltinESMExports();
if (kind === 'vm') await VmFolder.prepare(host, { name, image: 'none', backing: { file: 'none', format: 'raw' } });
else await Machine.start(host, { name, layers: layers.split(','), storage: { kind: 'memory', sizeMiB: 64 } });
