import type { Overview, RunDetail } from '@vouch/contracts';

/** What the server answered when it did not do what was asked (RFC 9457). */
export class Problem extends Error {
  constructor(
    readonly status: number,
    detail: string,
  ) {
    super(detail);
  }
}

async function call(method: string, path: string, body?: unknown): Promise<Response> {
  const response = await fetch(path, {
    method,
    headers: { 'x-vouch-csrf': '1', ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (response.ok) return response;
  const problem = (await response.json().catch(() => ({}))) as { detail?: string };
  throw new Problem(response.status, problem.detail ?? `The server answered ${response.status}.`);
}

const read = async <T>(path: string): Promise<T> => (await (await call('GET', path)).json()) as T;

export const api = {
  signIn: (email: string, password: string) => call('POST', '/api/v1/session', { email, password }),
  signOut: () => call('DELETE', '/api/v1/session'),
  overview: () => read<Overview>('/api/v1/overview'),
  run: (id: string) => read<RunDetail>(`/api/v1/runs/${id}`),
  portal: async (tenantId: string): Promise<string> => {
    const response = await call('POST', `/api/v1/tenants/${tenantId}/portal-session`);
    return ((await response.json()) as { url: string }).url;
  },
};
