// A runner to be killed while it builds a golden: the last layer takes for ever.
import { LayerStore, SandboxHost } from '../../libs/lab/dist/index.js';

const [directory, layers, name] = process.argv.slice(2);
const host = await SandboxHost.open(directory);
await new LayerStore(host).build(name, layers.split(','), 'sleep 86397', { timeoutMs: 600_000 });
