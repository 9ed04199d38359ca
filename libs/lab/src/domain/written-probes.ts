import type { Probe } from '@vouch/contracts';
import { dnsQuestion, readDnsAnswer } from './dns-message.js';
import { bad, check, good, includes, quote, type MachineCheck } from './machine-check.js';

type ProbeOf<T extends Probe['type']> = Extract<Probe, { type: T }>;

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
    case 'sql':
      return sqlCheck(probe);
    case 'file':
      return fileCheck(probe);
    case 'tls':
      return tlsCheck(probe);
    case 'dns':
      return dnsCheck(probe);
    case 'smtp':
      return smtpCheck(probe);
  }
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

/**
 * Debian's psql(1) is a program that chooses among clusters and then starts the real one, which takes longer than the query:
 * it is asked where there is no answer on the usual port.
 */
const POSTGRESQL = `ask() { client=$1; shift; setpriv --reuid=postgres --regid=postgres --init-groups "$client" "$@"; }
postgresql() {
  for real in /usr/lib/postgresql/*/bin/psql; do [ -x "$real" ] && ask "$real" "$@" 2> /dev/null && return; done
  ask psql "$@"
}
`;

function sqlCheck({ name, engine, database, query, equals }: ProbeOf<'sql'>): MachineCheck {
  const client =
    engine === 'postgresql'
      ? `${POSTGRESQL}postgresql --no-psqlrc -v ON_ERROR_STOP=1 --tuples-only --no-align --field-separator="$(printf '\\t')" --command=${quote(query)} ${quote(database || 'postgres')}`
      : `mariadb --batch --skip-column-names --execute=${quote(query)} ${quote(database)}`;
  return check(name, client, ({ stdout }) =>
    stdout.trim() === equals.trim() ? good(stdout) : bad(`the answer is "${stdout.trim()}", not "${equals}"`),
  );
}

function fileCheck({ name, path, exists, contains, mode, owner }: ProbeOf<'file'>): MachineCheck {
  const file = quote(path);
  const read = contains === undefined ? ':' : `head -c 1000000 -- ${file}`;
  const script = `[ -e ${file} ] || { echo missing; exit 0; }; stat -L -c '%a %U:%G' -- ${file}; ${read}`;
  return check(name, script, ({ stdout }) => {
    const end = stdout.indexOf('\n');
    const [first, content] = end < 0 ? [stdout, ''] : [stdout.slice(0, end), stdout.slice(end + 1)];
    if (first === 'missing') return exists ? bad(`${path} is missing`) : good('missing, as it should be');
    if (!exists) return bad(`${path} exists`);
    const [isMode = '', isOwner] = first.split(' ');
    if (mode !== undefined && parseInt(isMode, 8) !== parseInt(mode, 8))
      return bad(`its mode is ${isMode}, not ${mode}`);
    if (owner !== undefined && isOwner !== owner) return bad(`it belongs to ${String(isOwner)}, not ${owner}`);
    return contains === undefined || content.includes(contains) ? good(first) : bad(`"${contains}" is missing in it`);
  });
}

/** The certificate as a client gets it, judged by openssl; see openssl-s_client(1) and openssl-x509(1). */
function tlsCheck({ name, port, host, minDaysLeft, trust }: ProbeOf<'tls'>): MachineCheck {
  const authority = trust === 'system' || trust === 'any' ? '' : `-CAfile ${quote(trust)}`;
  const script = [
    `shown=$(openssl s_client -connect 127.0.0.1:${port} -servername ${quote(host)} -verify_hostname ${quote(host)} ${authority} < /dev/null 2>&1) || { echo "$shown" | tail -n 3; exit 1; }`,
    `echo "$shown" | sed -n 's/^ *Verify return code: /chain: /p' | head -n 1`,
    `echo "$shown" | openssl x509 -noout -checkend ${minDaysLeft * 86_400} > /dev/null && echo 'time: ok' || echo 'time: short'`,
    `echo "$shown" | openssl x509 -noout -checkhost ${quote(host)} | grep -q 'does match' && echo 'name: ok' || echo 'name: other'`,
    `echo "$shown" | openssl x509 -noout -enddate`,
  ].join('\n');
  return check(name, script, ({ stdout }) => {
    const end = /notAfter=(.*)/.exec(stdout)?.[1] ?? 'an unknown time';
    if (!stdout.includes('time: ok'))
      return bad(`the certificate is valid until ${end}: less than ${minDaysLeft} days`);
    if (!stdout.includes('name: ok')) return bad(`the certificate is not for ${host}`);
    const chain = /chain: (.*)/.exec(stdout)?.[1] ?? 'unknown';
    if (trust !== 'any' && !chain.startsWith('0 ')) return bad(`its chain is not trusted: ${chain}`);
    return good(`valid until ${end}`);
  });
}

/** By UDP and the shell's own means, since a profile need not have a client. */
function dnsCheck({ name, server, question, record, answer }: ProbeOf<'dns'>): MachineCheck {
  const query = dnsQuestion(question, record).toString('base64');
  const words = `exec 3<>/dev/udp/${server}/53 || exit 1; printf %s ${query} | base64 -d >&3; timeout 5 dd bs=4096 count=1 <&3 2>/dev/null | base64 -w 0`;
  return check(name, `bash -c ${quote(words)}`, ({ stdout }) => {
    const found = readDnsAnswer(Buffer.from(stdout, 'base64'), record);
    if (found === null) return bad('no answer');
    if (found.code !== 0) return bad(`the server answers with error ${found.code}`);
    if (found.records.length === 0) return bad(`there is no ${record} record for ${question}`);
    const right = answer === undefined || found.records.includes(answer);
    return right ? good(found.records.join(', ')) : bad(`the answer is ${found.records.join(', ')}, not ${answer}`);
  });
}

/** Reads each reply before it says the next, as RFC 5321 wants it; a reply's last line has a space after its code. */
function smtpCheck({ name, port, recipient }: ProbeOf<'smtp'>): MachineCheck {
  const offer = recipient === undefined ? [] : ['MAIL FROM:<>', `RCPT TO:<${recipient}>`, 'RSET'];
  const words = [
    `exec 3<>/dev/tcp/127.0.0.1/${port} || exit 1`,
    `reply() { while IFS= read -r -t 5 line <&3; do echo "$line"; case $line in [0-9][0-9][0-9]' '*) return; esac; done; exit 1; }`,
    'reply',
    `for words in ${['EHLO lab.invalid', ...offer, 'QUIT'].map(quote).join(' ')}; do printf '%s\\r\\n' "$words" >&3; reply; done`,
  ].join('\n');
  return check(name, `bash -c ${quote(words)}`, ({ stdout }) => {
    const replies = stdout.split('\n').map((line) => line.trim());
    const refusal = replies.find((line) => /^[45]\d\d[ -]/.test(line));
    if (refusal !== undefined) return bad(`refused: ${refusal}`);
    return /^220[ -]/.test(stdout) ? good(replies[0] ?? '') : bad(`no greeting: ${stdout}`);
  });
}
