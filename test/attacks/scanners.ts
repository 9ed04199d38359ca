import fs from 'node:fs';
import path from 'node:path';
import { runTool } from './tool.js';

const SCAN_MS = 240_000;

export interface Target {
  /** Method and path; a star marks where sqlmap injects, in the path or in the body. */
  readonly line: string;
  readonly body?: unknown;
}

/** @returns the places that sqlmap could inject through, in its own words; none when it says that there are none */
export async function sqlmap(
  folder: string,
  base: string,
  { line, body }: Target,
  headers: Readonly<Record<string, string>> = {},
): Promise<string[]> {
  const request = path.join(folder, 'request.txt');
  const all = { Host: new URL(base).host, 'Content-Type': 'application/json', ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  const text = [`${line} HTTP/1.1`, ...lines, '', body === undefined ? '' : JSON.stringify(body)].join('\r\n');
  fs.writeFileSync(request, text);
  const command = [
    ...['sqlmap', '-r', request, '--batch', '--disable-coloring', '--dbms', 'PostgreSQL', '--level', '2'],
    ...['--technique', 'BEUST', '--time-sec', '2', '--timeout', '10', '--retries', '0', '--threads', '4'],
    ...['--ignore-code', "'*'", '--flush-session', '--output-dir', path.join(folder, 'sqlmap')],
  ].join(' ');
  // With a standard input that is no terminal it would read its targets from there: script gives it one.
  const { output } = await runTool('script', ['-qec', command, '/dev/null'], SCAN_MS);
  if (output.includes('all tested parameters do not appear to be injectable')) return [];
  const found = [...output.matchAll(/^\s+Title: (.+?)\s*$/gm)].map(([, title = '']) => title);
  return found.length > 0 ? found : [`sqlmap did not come to an end: ${output.slice(-800)}`];
}

const MODULES =
  'sql,timesql,xss,permanentxss,exec,file,crlf,redirect,methods,backup,htaccess,csp,http_headers,cookieflags';

/** @returns wapiti's findings, one line each */
export async function wapiti(
  folder: string,
  base: string,
  pages: readonly string[],
  cookie?: string,
): Promise<string[]> {
  const report = path.join(folder, 'wapiti.json');
  fs.rmSync(report, { force: true });
  const { output } = await runTool(
    'wapiti',
    [
      ...['-u', `${base}/`, ...pages.flatMap((page) => ['-s', base + page]), '--scope', 'domain', '-m', MODULES],
      ...(cookie === undefined ? [] : ['-H', `Cookie: ${cookie}`]),
      ...['--flush-session', '--max-scan-time', '150', '--no-bugreport', '-f', 'json', '-o', report],
      ...['--store-session', path.join(folder, 'wapiti'), '--store-config', path.join(folder, 'wapiti-config')],
    ],
    SCAN_MS,
  );
  if (!fs.existsSync(report)) return [`wapiti did not come to an end: ${output.slice(-800)}`];
  const { vulnerabilities } = JSON.parse(fs.readFileSync(report, 'utf8')) as {
    vulnerabilities: Record<string, { info: string; path: string }[]>;
  };
  return Object.entries(vulnerabilities).flatMap(([kind, found]) =>
    found.map(({ info, path: at }) => `${kind}: ${at} ${info}`),
  );
}
