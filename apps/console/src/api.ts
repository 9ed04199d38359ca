import { startAuthentication, startRegistration } from '@simplewebauthn/browser';
import type {
  AccountView,
  Invitation,
  Member,
  Overview,
  OwnSessions,
  Passkey,
  RunDetail,
  SignedIn,
} from '@vouch/contracts';

/** What the server answered when it did not do what was asked (RFC 9457). */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
  ) {
    super(detail);
  }
}

/** The page that asks people to prove again who they are; true when they did. */
let askForProof: () => Promise<boolean> = () => Promise.resolve(false);
export const onStepUpNeeded = (ask: () => Promise<boolean>): void => {
  let asking: Promise<boolean> | null = null;
  // Two requests that are refused at once wait for the same answer.
  askForProof = () => (asking ??= ask().finally(() => (asking = null)));
};

/** @param version only if what is changed still has it */
export async function call(method: string, path: string, body?: unknown, version?: number): Promise<Response> {
  const response = await fetch(path, {
    method,
    headers: {
      'x-vouch-csrf': '1',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(version === undefined ? {} : { 'if-match': `"v${version}"` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (response.ok) return response;
  const problem = (await response.json().catch(() => ({}))) as { detail?: string; code?: string };
  if (problem.code === 'step-up-needed' && (await askForProof())) return call(method, path, body, version);
  throw new Problem(response.status, problem.code ?? '', problem.detail ?? `The server answered ${response.status}.`);
}

export const json = async <T>(method: string, path: string, body?: unknown): Promise<T> =>
  (await (await call(method, path, body)).json()) as T;
export const read = <T>(path: string): Promise<T> => json<T>('GET', path);
const session = '/api/v1/session';
const account = '/api/v1/account';
type Options<T extends (options: never) => unknown> = Parameters<T>[0] extends { optionsJSON: infer O } ? O : never;

export const api = {
  session: () => read<SignedIn>(session),
  signIn: (email: string, password: string) => json<SignedIn>('POST', session, { email, password }),
  signOut: () => call('DELETE', session),
  proveCode: (code: string) => json<SignedIn>('POST', `${session}/second-factor`, codeOf(code)),
  signInWithPasskey: async (): Promise<void> => {
    const optionsJSON = await json<Options<typeof startAuthentication>>('POST', `${session}/passkey/options`);
    await call('POST', `${session}/passkey`, await startAuthentication({ optionsJSON }));
  },
  provePasskey: async (): Promise<void> => {
    const optionsJSON = await json<Options<typeof startAuthentication>>('POST', `${account}/passkeys/proof/options`);
    await call('POST', `${account}/passkeys/proof`, await startAuthentication({ optionsJSON }));
  },
  stepUp: (password: string, code: string) =>
    json<SignedIn>('POST', `${session}/step-up`, {
      ...(password === '' ? {} : { password }),
      ...(code === '' ? {} : codeOf(code)),
    }),
  account: () => read<AccountView>(account),
  changePassword: (present: string, next: string) => call('PUT', `${account}/password`, { present, next }),
  askForReset: (email: string) => call('POST', '/api/v1/password-reset', { email }),
  resetPassword: (secret: string, password: string) =>
    call('POST', '/api/v1/password-reset/confirm', { secret, password }),
  setUpCodes: () => json<{ secret: string; uri: string }>('POST', `${account}/codes`),
  confirmCodes: (code: string) => json<{ recoveryCodes: string[] }>('POST', `${account}/codes/confirm`, { code }),
  removeCodes: () => call('DELETE', `${account}/codes`),
  newRecoveryCodes: () => json<{ recoveryCodes: string[] }>('POST', `${account}/recovery-codes`),
  addPasskey: async (name: string): Promise<void> => {
    const optionsJSON = await json<Options<typeof startRegistration>>('POST', `${account}/passkeys/options`);
    const credential = await startRegistration({ optionsJSON });
    await call('POST', `${account}/passkeys`, { name, credential });
  },
  removePasskey: (passkey: Passkey) => call('DELETE', `${account}/passkeys/${passkey.id}`),
  sessions: () => read<OwnSessions>(`${account}/sessions`),
  endSession: (id: string) => call('DELETE', `${account}/sessions/${id}`),
  endOtherSessions: () => call('DELETE', `${account}/sessions`),
  members: async () => (await read<{ items: Member[] }>('/api/v1/members?limit=200')).items,
  changeRole: (id: string, role: string) => call('PATCH', `/api/v1/members/${id}`, { role }),
  removeMember: (id: string) => call('DELETE', `/api/v1/members/${id}`),
  invitations: async () => (await read<{ items: Invitation[] }>('/api/v1/invitations?limit=200')).items,
  invite: (email: string, role: string, tenantId: string) =>
    call('POST', '/api/v1/invitations', { email, role, ...(tenantId === '' ? {} : { tenantId }) }),
  revokeInvitation: (id: string) => call('DELETE', `/api/v1/invitations/${id}`),
  lookAtInvitation: (secret: string) =>
    json<{ email: string; organisation: string; role: string }>('POST', '/api/v1/invitations/look', { secret }),
  acceptInvitation: (secret: string, name: string, password: string) =>
    call('POST', '/api/v1/invitations/accept', { secret, name, password }),
  createMsp: (name: string, ownerEmail: string) => call('POST', '/api/v1/msps', { name, ownerEmail }),
  overview: () => read<Overview>('/api/v1/overview'),
  run: (id: string) => read<RunDetail>(`/api/v1/runs/${id}`),
  portal: async (tenantId: string): Promise<string> =>
    (await json<{ url: string }>('POST', `/api/v1/tenants/${tenantId}/portal-session`)).url,
};

/** Six digits come from the app; anything else is a recovery code. */
const codeOf = (text: string): { code: string } | { recoveryCode: string } => {
  const plain = text.replaceAll(/\s/g, '');
  return /^\d{6}$/.test(plain) ? { code: plain } : { recoveryCode: text.trim() };
};
