import { linesOf, type DerivedCheck } from './derived-check.js';

/**
 * Reads ss(8)'s listing of listening sockets with their processes. UDP sockets on ports that the system picks are left
 * out: they differ with every start.
 * @returns name of the program by socket, e.g. `tcp 0.0.0.0:80` → `nginx`; empty when ss names none
 */
export function readSockets(listing: string): Map<string, string> {
  const sockets = new Map<string, string>();
  for (const line of linesOf(listing)) {
    const [protocol = '', , , , address = ''] = line.trim().split(/\s+/);
    const port = Number(address.slice(address.lastIndexOf(':') + 1));
    if (protocol === 'udp' && port >= 32_768) continue;
    sockets.set(`${protocol} ${address}`, /users:\(\("([^"]+)"/.exec(line)?.[1] ?? '');
  }
  return sockets;
}

const SCRIPT = 'ss -H -l -n -t -u -p';

export const SOCKETS_OPEN: DerivedCheck = {
  name: 'ports that were open still are, to the same programs',
  script: SCRIPT,
  settles: true,
  findings: ({ before, now }) => {
    const after = readSockets(now);
    return [...readSockets(before)].flatMap(([socket, program]) => {
      const listener = after.get(socket);
      if (listener === undefined) return [{ key: socket, detail: `nobody listens on ${socket} (${program} did)` }];
      if (listener === program) return [];
      return [{ key: socket, detail: `${listener} listens on ${socket} instead of ${program}` }];
    });
  },
};

export const SOCKETS_NEW: DerivedCheck = {
  name: 'no further port is open',
  script: SCRIPT,
  findings: ({ before, now }) => {
    const was = readSockets(before);
    return [...readSockets(now)]
      .filter(([socket]) => !was.has(socket))
      .map(([socket, program]) => ({ key: socket, detail: `${program || 'a program'} listens on ${socket}` }));
  },
};
