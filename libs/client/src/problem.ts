/** The API refused a request, and says why (RFC 9457). */
export class ApiProblem extends Error {
  constructor(
    readonly status: number,
    /** Stable name of the problem, for programs. */
    readonly code: string,
    detail: string,
    readonly correlationId: string | undefined,
    /** When to try again, if the API said so. */
    readonly retryAfterSeconds: number | undefined,
  ) {
    super(detail);
    this.name = 'ApiProblem';
  }

  static async of(response: Response): Promise<ApiProblem> {
    const body = (await response.json().catch(() => ({}))) as Readonly<Record<string, unknown>>;
    const text = (name: string): string | undefined => (typeof body[name] === 'string' ? body[name] : undefined);
    const after = Number(response.headers.get('retry-after'));
    return new ApiProblem(
      response.status,
      text('code') ?? 'unknown',
      text('detail') ?? `The server answered ${response.status} ${response.statusText}.`.replace(' .', '.'),
      text('correlationId') ?? response.headers.get('x-correlation-id') ?? undefined,
      after > 0 ? after : undefined,
    );
  }
}

/** There was no answer at all. */
export class ServerUnreachable extends Error {
  constructor(url: string, cause: unknown) {
    super(`${url} does not answer: ${reasonOf(cause)}.`, { cause });
    this.name = 'ServerUnreachable';
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'the request failed';
  const { cause } = error;
  return cause instanceof Error && cause.message !== '' ? cause.message : error.message;
}
