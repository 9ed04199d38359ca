// A runner to be killed: boots a machine that works on something long, tells its process id, and waits for its end.
import { Machine, SandboxHost } from '../../libs/lab/dist/index.js';

const [directory, layers, name, storage] = process.argv.slice(2);
const host = await SandboxHost.open(directory);
const machine = await Machine.start(host, {
  name,
  layers: layers.split(','),
  storage: storage === 'kept' ? { kind: 'kept' } : { kind: 'memory', sizeMiB: 512 },
});
void machine.exec('sleep 86399');
const part = `.part-${process.pid}-`;
const { stdout } = await host.files.run([
  'sh',
  '-c',
  `mkdir "layers/${part}$(cut -d ' ' -f 22 /proc/${process.pid}/stat)-x"`,
]);
console.log(`working ${stdout}`);
