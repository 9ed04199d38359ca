import fs from 'node:fs';
import path from 'node:path';
import { runTool } from './tool.js';
import type { Operation } from './openapi.js';

/** One place of one request that is filled with each word in turn. */
export interface Position {
  readonly title: string;
  /** A whole HTTP/1.1 request with the keyword FUZZ at one place. */
  readonly request: string;
  /** How words must be written there. */
  readonly encoding: 'url' | 'json' | 'header';
}

export interface Finding {
  readonly position: string;
  readonly word: string;
  readonly status: number;
}

const KEYWORD = 'FUZZ';
/** What must never leave the server: traces, our paths, the database's own words. */
const INTERNALS = String.raw`node_modules|\.[jt]s:\d+|QueryFailedError|syntax error at or near|violates .* constraint|pg_catalog|/home/|/root/`;

/** Every place of an operation that a caller can fill: path, query, each field of the body, and a header. */
export function positionsOf(operation: Operation, host: string, headers: Readonly<Record<string, string>>): Position[] {
  const at = (title: string, encoding: Position['encoding'], change: Parameters<typeof requestOf>[3]): Position => ({
    title: `${operation.method} ${operation.path} ${title}`,
    encoding,
    request: requestOf(operation, host, headers, change),
  });
  const fields = typeof operation.body === 'object' && operation.body !== null ? Object.keys(operation.body) : [];
  return [
    ...operation.parameters
      .filter((parameter) => parameter.in !== 'cookie')
      .map((parameter) =>
        at(`${parameter.in} ${parameter.name}`, parameter.in === 'header' ? 'header' : 'url', {
          parameter: parameter.name,
        }),
      ),
    ...fields.map((field) => at(`body ${field}`, 'json', { field })),
    at('header x-correlation-id', 'header', { header: 'x-correlation-id' }),
  ];
}

function requestOf(
  { method, path: route, parameters, body }: Operation,
  host: string,
  headers: Readonly<Record<string, string>>,
  fuzz: { readonly parameter?: string; readonly field?: string; readonly header?: string },
): string {
  const valueOf = (parameter: (typeof parameters)[number]): string =>
    parameter.name === fuzz.parameter ? KEYWORD : encodeURIComponent(parameter.value);
  const filled = parameters
    .filter((parameter) => parameter.in === 'path')
    // A wildcard has a name of its own in the path: it fills what is left.
    .sort((a, b) => Number(route.includes(`{${b.name}}`)) - Number(route.includes(`{${a.name}}`)))
    .reduce((text, parameter) => {
      const named = `{${parameter.name}}`;
      return text.replace(text.includes(named) ? named : /\{\w+\}/, valueOf(parameter));
    }, route);
  const query = parameters
    .filter((parameter) => parameter.in === 'query' && parameter.name === fuzz.parameter)
    .map((parameter) => `${parameter.name}=${KEYWORD}`)
    .join('&');
  const fuzzedHeader = parameters.find((parameter) => parameter.in === 'header' && parameter.name === fuzz.parameter);
  const json =
    body === undefined
      ? ''
      : JSON.stringify(fuzz.field === undefined ? body : { ...(body as object), [fuzz.field]: KEYWORD });
  const lines = {
    Host: host,
    'User-Agent': 'ffuf',
    ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
    ...headers,
    ...(fuzzedHeader ? { [fuzzedHeader.name]: KEYWORD } : {}),
    ...(fuzz.header === undefined ? {} : { [fuzz.header]: KEYWORD }),
  };
  const head = [`${method} ${filled}${query ? `?${query}` : ''} HTTP/1.1`];
  return [...head, ...Object.entries(lines).map(([name, value]) => `${name}: ${value}`), '', json].join('\r\n');
}

const ENCODE: Readonly<Record<Position['encoding'], (word: string) => string>> = {
  url: (word) => encodeURIComponent(word),
  json: (word) => JSON.stringify(word).slice(1, -1),
  header: (word) => word.replaceAll(/[^\t\x20-\x7e]/g, '?'),
};

/**
 * Lets ffuf fill one position with words. Reports answers that are server errors or show internals, and counts
 * requests that got no answer within ten seconds.
 */
export async function fuzz(
  folder: string,
  position: Position,
  words: readonly string[],
): Promise<{ sent: number; unanswered: number; findings: Finding[] }> {
  const file = (name: string): string => path.join(folder, name);
  fs.writeFileSync(file('request'), position.request);
  fs.writeFileSync(file('words'), `${words.map(ENCODE[position.encoding]).join('\n')}\n`);
  fs.rmSync(file('found.json'), { force: true });
  const { output } = await runTool(
    'ffuf',
    [
      ...['-request', file('request'), '-request-proto', 'http', '-w', file('words')],
      ...['-mc', '500-599', '-mr', INTERNALS],
      ...['-t', '8', '-timeout', '10', '-o', file('found.json'), '-of', 'json'],
    ],
    120_000,
  );
  if (!fs.existsSync(file('found.json'))) throw new Error(`ffuf gave up at ${position.title}: ${output.slice(-600)}`);
  const last = output.slice(output.lastIndexOf(':: Progress'));
  const [, sent = '0'] = /Progress: \[(\d+)\//.exec(last) ?? [];
  const [, unanswered = '0'] = /Errors: (\d+)/.exec(last) ?? [];
  const { results } = JSON.parse(fs.readFileSync(file('found.json'), 'utf8')) as {
    results: { input: { FUZZ: string }; status: number }[] | null;
  };
  const findings = (results ?? []).map(({ input, status }) => ({ position: position.title, word: input.FUZZ, status }));
  return { sent: Number(sent), unanswered: Number(unanswered), findings };
}
