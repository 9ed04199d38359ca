import {
  Catch,
  HttpException,
  Inject,
  NotFoundException,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { Problem } from '@vouch/contracts';
import type { CallerRequest } from '../access/access.js';
import { TooManyRequests } from '../limits/rate-limits.js';
import { Services } from '../services.js';
import { RouteMethods } from './method-not-allowed.js';

/** Error codes of the domain and the status that each answers with. A code that is not here is our own fault: 500. */
const STATUS: Readonly<Record<string, number>> = {
  'sign-in-needed': 401,
  'sign-in-refused': 401,
  'device-refused': 401,
  'access-denied': 403,
  'second-factor-needed': 403,
  'second-factor-enrolment-needed': 403,
  'step-up-needed': 403,
  'code-refused': 403,
  'link-refused': 403,
  'single-sign-on-needed': 403,
  'single-sign-on-refused': 403,
  'single-sign-on-failed': 422,
  'passkey-refused': 401,
  'password-refused': 422,
  'factor-conflict': 409,
  'member-conflict': 409,
  'name-taken': 409,
  'too-many-guesses': 429,
  'csrf-header-missing': 403,
  'not-found': 404,
  'enrolment-refused': 403,
  'device-key-refused': 422,
  'outcome-not-offered': 409,
  'lease-lost': 409,
  'run-not-changeable': 409,
  'profile-unknown': 404,
  'profile-invalid': 422,
  'content-mismatch': 422,
  'nothing-to-bill': 409,
  'webhook-refused': 400,
  'trust-missing': 503,
  'trust-rejected': 503,
  'credentials-ambiguous': 400,
  'body-refused': 400,
  'cursor-refused': 400,
  'api-key-refused': 422,
  'address-refused': 422,
  'too-many-endpoints': 409,
  'already-ordered': 409,
  'verdict-expired': 409,
  'idempotency-key-reused': 422,
  'request-in-flight': 409,
  'answer-lost': 409,
  'changed-meanwhile': 412,
  'condition-needed': 428,
  'method-not-allowed': 405,
  'encoding-refused': 415,
  'too-many-requests': 429,
  'content-unavailable': 503,
};
/** What HTTP itself refuses, by status. */
const HTTP_CODES: Readonly<Record<number, string>> = {
  400: 'request-invalid',
  404: 'not-found',
  413: 'request-too-large',
  414: 'address-too-long',
  415: 'media-type-refused',
  431: 'headers-too-large',
};

/** Somebody was kept out: worth a line, since many of them are an attack. */
const REFUSALS = new Set([401, 403, 429]);

/** Answers every error as problem details. What is not a known error of ours keeps its message inside. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(
    @Inject(Services) private readonly services: Services,
    @Inject(RouteMethods) private readonly methods: RouteMethods,
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<CallerRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const known = this.wrongMethod(error, request, reply) ?? error;
    const { status, code, detail } = describe(known);
    if (status >= 500) {
      this.services.logger.error(
        {
          err: error instanceof Error ? { message: error.message, stack: error.stack } : error,
          correlationId: request.correlationId,
        },
        'request failed',
      );
    }
    if (known instanceof TooManyRequests) void reply.headers(known.headers);
    const { retryAfterSeconds } = known as { retryAfterSeconds?: unknown };
    if (typeof retryAfterSeconds === 'number') reply.header('retry-after', String(retryAfterSeconds));
    if (REFUSALS.has(status)) {
      const { method, ip: from, correlationId, caller } = request;
      const who = caller && `${caller.kind}:${caller.id}`;
      this.services.logger.info(
        { code, status, method, route: request.routeOptions.url, from, who, correlationId },
        'refused',
      );
    }
    const problem: Problem = {
      type: `urn:vouch:problem:${code}`,
      title: code.replaceAll('-', ' '),
      status,
      detail,
      code,
      correlationId: request.correlationId,
    };
    void reply.status(status).header('content-type', 'application/problem+json').send(problem);
  }

  /** A path that exists, asked with a method that it does not take. */
  private wrongMethod(error: unknown, request: CallerRequest, reply: FastifyReply): MethodNotAllowed | undefined {
    if (!(error instanceof NotFoundException) || !error.message.startsWith(`Cannot ${request.method}`))
      return undefined;
    const methods = this.methods.of(request.url);
    if (methods.length === 0 || methods.includes(request.method)) return undefined;
    reply.header('allow', methods.join(', '));
    return new MethodNotAllowed(methods);
  }
}

/** The path exists, the method does not. */
class MethodNotAllowed extends Error {
  readonly code = 'method-not-allowed';
  constructor(methods: readonly string[]) {
    super(`This method is not known here. Use ${methods.join(' or ')}.`);
  }
}

function describe(error: unknown): { status: number; code: string; detail: string } {
  if (error instanceof HttpException) {
    const status = error.getStatus();
    const body = error.getResponse();
    const message = typeof body === 'object' && 'message' in body ? body.message : error.message;
    const detail = Array.isArray(message) ? message.join('; ') : String(message);
    return {
      status,
      code: HTTP_CODES[status] ?? 'request-refused',
      detail,
    };
  }
  if (error instanceof Error) {
    const { code, statusCode } = error as Error & { code?: unknown; statusCode?: unknown };
    const status = typeof code === 'string' ? STATUS[code] : undefined;
    if (status !== undefined) return { status, code: String(code), detail: error.message };
    // Fastify's own refusals: body too large, wrong media type, malformed JSON.
    if (typeof statusCode === 'number' && statusCode < 500)
      return { status: statusCode, code: HTTP_CODES[statusCode] ?? 'request-refused', detail: error.message };
  }
  return {
    status: 500,
    code: 'internal',
    detail: 'Something went wrong on our side; the correlation id finds it in the logs.',
  };
}
