import { createHash } from 'node:crypto';
import { Profile } from '@vouch/contracts';
import canonicalize from 'canonicalize';
import { parseDocument } from 'yaml';

/** A profile's text is not a profile. */
export class ProfileInvalid extends Error {
  readonly code = 'profile-invalid';
  constructor(name: string, problem: string) {
    super(`The profile ${name} is not valid: ${problem}. Correct the file and load it again.`);
    this.name = 'ProfileInvalid';
  }
}

/**
 * Reads a lab environment as a technician writes it.
 * @param text YAML 1.2
 * @param name for the error's sentence, e.g. the file's name
 * @param stream OS stream of a profile that names none, e.g. that of the lab machine
 * @throws ProfileInvalid that names the field, or the line for a mistake in the YAML itself
 */
export function parseProfile(text: string, name: string, stream?: string): Profile {
  const written = readYaml(text, name);
  const parsed = Profile.safeParse(isObject(written) ? { stream, ...written } : written);
  if (parsed.success) {
    const twice = firstRepeated(parsed.data.probes.map((probe) => probe.name));
    if (twice !== undefined) throw new ProfileInvalid(name, `two probes are called "${twice}"`);
    return parsed.data;
  }
  const issue = parsed.error.issues[0];
  const where = issue?.path.length ? `in ${issue.path.map(String).join('.')}: ` : '';
  throw new ProfileInvalid(name, `${where}${issue?.message ?? 'unknown'}`);
}

/** SHA-256 over the profile's canonical JSON (RFC 8785): what it says, not how it was written. */
export function profileDigest(profile: Profile): string {
  return createHash('sha256')
    .update(canonicalize(profile) ?? '')
    .digest('hex');
}

/** One document without references and tags: neither may grow it, or make of it what it does not say. */
function readYaml(text: string, name: string): unknown {
  const document = parseDocument(text, { logLevel: 'error' });
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) throw new ProfileInvalid(name, problem.message.split('\n')[0] ?? '');
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch (error) {
    if (error instanceof ReferenceError) throw new ProfileInvalid(name, 'it uses anchors and aliases; write it out');
    throw error;
  }
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const firstRepeated = (names: readonly string[]): string | undefined =>
  names.find((name, index) => names.indexOf(name) !== index);
