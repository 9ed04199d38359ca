import type { Artefact, Probe, ProbeResult } from '@vouch/contracts';

/** A check of a machine: a script for `sh`, and how to read its answer. Runs as root inside the machine. */
export interface MachineCheck {
  readonly name: string;
  readonly script: string;
  readonly timeoutMs: number;
  readonly judge: (answer: CheckAnswer) => { readonly ok: boolean; readonly detail: string };
}

export interface CheckAnswer {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
}

/** What a healthy machine did before the patch, and has to do after it. */
export interface Health {
  /** Running services, as systemd names them. */
  readonly services: readonly string[];
  /** Listening sockets, as `tcp 0.0.0.0:80`. */
  readonly listening: readonly string[];
}

const CHECK_LIMIT_MS = 15_000;

/** A check that a technician wrote into a profile. */
export function checkOf(probe: Probe): MachineCheck {
  switch (probe.type) {
    case 'service':
      return { ...serviceCheck(probe.unit), name: probe.name };
    case 'command':
      return check(probe.name, probe.command, ({ stdout }) => includes(stdout, probe.contains));
    case 'tcp':
      return check(probe.name, talkTo('127.0.0.1', probe.port, '', 1), ({ stdout }) => includes(stdout, probe.banner));
    case 'http':
      return httpCheck(probe);
  }
}

/** Checks that follow from what a machine did before the patch: services still run, sockets are still open. */
export function healthChecks(before: Health): MachineCheck[] {
  const open = before.listening.map((socket) =>
    check(`${socket} is open`, LISTENING_SCRIPT, ({ stdout }) =>
      readListening(stdout).includes(socket) ? good('open') : bad('nobody listens'),
    ),
  );
  return [...before.services.map(serviceCheck), ...open];
}

/** Checks of every machine: nothing that systemd calls failed, no package half done. */
export const GENERAL_CHECKS: readonly MachineCheck[] = [
  check('no service has failed', 'systemctl list-units --state=failed --plain --no-legend --no-pager', ({ stdout }) => {
    const failed = stdout.split('\n').flatMap((line) => line.trim().split(/\s+/)[0] || []);
    return failed.length === 0 ? good('none') : bad(`failed: ${failed.join(', ')}`);
  }),
  check('every package is fully installed', 'dpkg --audit', ({ stdout }) =>
    stdout.trim() === '' ? good('yes') : bad(stdout),
  ),
];

/** Checks that the patch is there, in exactly the tested version. Only asked after it was installed. */
export function versionChecks(artefacts: readonly Artefact[]): MachineCheck[] {
  return artefacts.map((artefact) =>
    check(
      `${artefact.package} has the new version`,
      `dpkg-query -W -f '\${db:Status-Abbrev} \${Version}' ${quote(artefact.package)}`,
      ({ stdout }) =>
        stdout.trim() === `ii  ${artefact.version}` ? good(artefact.version) : bad(stdout.trim() || 'not installed'),
    ),
  );
}

/** Lists the listening sockets of a machine, for {@link readListening}. */
export const LISTENING_SCRIPT = 'ss -H -l -n -t -u';

/**
 * Reads ss(8)'s listing. UDP sockets on ports that the system picks are left out: they differ with every start.
 * @returns e.g. `tcp 0.0.0.0:80`, sorted
 */
export function readListening(listing: string): string[] {
  const sockets = listing.split('\n').flatMap((line) => {
    const [protocol = '', , , , address = ''] = line.trim().split(/\s+/);
    const port = Number(address.slice(address.lastIndexOf(':') + 1));
    const picked = protocol === 'udp' && port >= 32_768;
    return protocol === '' || picked ? [] : [`${protocol} ${address}`];
  });
  return [...new Set(sockets)].sort();
}

/** Reads a check's answer. What the check itself cannot judge, a hang or a missing program, is not healthy. */
export function judge(check: MachineCheck, answer: CheckAnswer, durationMs: number): ProbeResult {
  const found = answer.timedOut
    ? bad(`no answer within ${check.timeoutMs / 1000} s`)
    : answer.exitCode !== 0
      ? bad(`exit code ${String(answer.exitCode)}: ${answer.stderr.trim() || answer.stdout.trim() || 'no output'}`)
      : check.judge(answer);
  return { name: check.name, ok: found.ok, detail: oneLine(found.detail), durationMs };
}

function serviceCheck(unit: string): MachineCheck {
  // `is-active` exits with 3 for a stopped unit; its word says more than its exit code.
  return check(`service ${unit} runs`, `systemctl is-active ${quote(unit)} || true`, ({ stdout }) =>
    stdout.trim() === 'active' ? good('active') : bad(stdout.trim() || 'unknown'),
  );
}

/** HTTP by bash alone, since a profile need not have a client; HTTPS by openssl, which it must have to serve it. */
function httpCheck(probe: Extract<Probe, { type: 'http' }>): MachineCheck {
  const url = new URL(probe.url);
  const request = `GET ${url.pathname}${url.search} HTTP/1.0\r\nHost: ${url.host}\r\nUser-Agent: vouch-lab\r\n\r\n`;
  const script =
    url.protocol === 'https:'
      ? `printf %s ${quote(request)} | openssl s_client -quiet -connect ${quote(`${url.hostname}:${url.port || '443'}`)} -servername ${quote(url.hostname)} 2>/dev/null`
      : talkTo(url.hostname, Number(url.port || '80'), request);
  return check(probe.name, script, ({ stdout }) => {
    const status = /^HTTP\/\d(?:\.\d)? (\d{3})/.exec(stdout)?.[1];
    if (status !== String(probe.status)) return bad(`HTTP status ${status ?? 'missing'}, not ${probe.status}`);
    return includes(stdout, probe.contains, `HTTP status ${status}`);
  });
}

/** @param lines stop reading after so many, for a server that does not close; 0: read to the end */
function talkTo(host: string, port: number, request: string, lines = 0): string {
  const read = lines === 0 ? 'cat <&3' : `head -n ${lines} <&3`;
  const words = `exec 3<>/dev/tcp/${host}/${port} || exit 1; printf %s ${quote(request)} >&3; ${request === '' && lines > 0 ? `timeout 2 ${read} || true` : read}`;
  return `bash -c ${quote(words)}`;
}

function check(name: string, script: string, judgeAnswer: MachineCheck['judge']): MachineCheck {
  return { name, script, timeoutMs: CHECK_LIMIT_MS, judge: judgeAnswer };
}

const includes = (text: string, wanted: string | undefined, seen = text): { ok: boolean; detail: string } =>
  wanted === undefined || text.includes(wanted) ? good(seen) : bad(`"${wanted}" is missing in: ${text}`);

const good = (detail: string) => ({ ok: true, detail });
const bad = (detail: string) => ({ ok: false, detail });

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim().slice(0, 300);

const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;
