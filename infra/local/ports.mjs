import net from 'node:net';

/** Is nobody listening on this port of 127.0.0.1? */
function isFree(port) {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** A free port: the wanted one, or the next above it that is; any when none is wanted. */
export async function freePort(wanted) {
  if (wanted !== undefined) {
    for (let port = wanted; port < wanted + 50; port += 1) if (await isFree(port)) return port;
  }
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Waits until something answers on a port. */
export async function waitForPort(port, { timeoutMs = 30_000, alive = () => true } = {}) {
  const until = Date.now() + timeoutMs;
  while (Date.now() < until && alive()) {
    const open = await new Promise((resolve) => {
      const socket = net.connect(port, '127.0.0.1');
      socket.once('connect', () => (socket.destroy(), resolve(true)));
      socket.once('error', () => resolve(false));
    });
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`Nothing answers on port ${port}.`);
}
