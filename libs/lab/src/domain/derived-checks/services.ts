import { linesOf, type DerivedCheck } from './derived-check.js';

interface Service {
  readonly state: string;
  readonly enabled: boolean;
  readonly restarts: number;
  /** Time from being started to being ready. */
  readonly startMs: number;
}

/** The properties come in systemd's own order, with an empty line between units; see systemctl(1), `show`. */
const SCRIPT =
  "systemctl show --property=Id,ActiveState,UnitFileState,NRestarts,InactiveExitTimestampMonotonic,ActiveEnterTimestampMonotonic '*.service'";

/** Reads systemctl's listing: services by name, without those of users' sessions. */
export function readServices(listing: string): Map<string, Service> {
  const services = new Map<string, Service>();
  for (const block of listing.split(/\n\s*\n/)) {
    const unit = new Map(linesOf(block).map((line) => [line.split('=')[0] ?? '', line.slice(line.indexOf('=') + 1)]));
    const id = unit.get('Id') ?? '';
    if (id === '' || /^(user@|user-runtime-dir@|session-)/.test(id)) continue;
    const [from, to] = [
      Number(unit.get('InactiveExitTimestampMonotonic')),
      Number(unit.get('ActiveEnterTimestampMonotonic')),
    ];
    services.set(id, {
      state: unit.get('ActiveState') ?? '',
      enabled: unit.get('UnitFileState') === 'enabled',
      restarts: Number(unit.get('NRestarts') ?? 0),
      startMs: to > from ? Math.round((to - from) / 1000) : 0,
    });
  }
  return services;
}

export const SERVICES_RUN: DerivedCheck = {
  name: 'services that ran still run',
  script: SCRIPT,
  settles: true,
  findings: ({ before, now }) => {
    const after = readServices(now);
    return [...readServices(before)]
      .filter(([id, was]) => was.state === 'active' && after.get(id)?.state !== 'active')
      .map(([id]) => ({ key: id, detail: `service ${id} is ${after.get(id)?.state ?? 'gone'}` }));
  },
};

export const SERVICES_ENABLED: DerivedCheck = {
  name: 'services that start with the machine still do',
  script: SCRIPT,
  findings: ({ before, now }) => {
    const after = readServices(now);
    return [...readServices(before)]
      .filter(([id, was]) => was.enabled && after.get(id)?.enabled !== true)
      .map(([id]) => ({ key: id, detail: `service ${id} no longer starts with the machine` }));
  },
};

export const SERVICES_STEADY: DerivedCheck = {
  name: 'no service starts again and again',
  script: SCRIPT,
  findings: ({ before, now }) => {
    const was = readServices(before);
    return [...readServices(now)]
      .filter(([id, { restarts }]) => restarts > (was.get(id)?.restarts ?? 0))
      .map(([id, { restarts }]) => ({
        key: id,
        detail: `service ${id} ended by itself and was started again ${restarts} times`,
        amount: restarts,
      }));
  },
};

/** A start may take three times as long on a busy host, and short ones vary by seconds. */
const SLOWER = { factor: 3, ms: 4000 } as const;

export const SERVICES_QUICK: DerivedCheck = {
  name: 'services start as quickly as before',
  script: SCRIPT,
  findings: ({ before, now }) => {
    const was = readServices(before);
    return [...readServices(now)].flatMap(([id, { startMs }]) => {
      const old = was.get(id);
      if (old === undefined || startMs <= SLOWER.factor * old.startMs + SLOWER.ms) return [];
      return [
        { key: id, detail: `service ${id} took ${startMs} ms to start, ${old.startMs} ms before`, amount: startMs },
      ];
    });
  },
};
