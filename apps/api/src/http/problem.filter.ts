import { Catch, HttpException, Inject, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { CallerRequest } from '../access/access.js';
import { Services } from '../services.js';

/** Error codes of the domain and the status that each answers with. A code that is not here is our own fault: 500. */
const STATUS: Readonly<Record<string, number>> = {
  'sign-in-needed': 401,
  'sign-in-refused': 401,
  'device-refused': 401,
  'access-denied': 403,
  'csrf-header-missing': 403,
  'not-found': 404,
  'enrolment-refused': 403,
  'device-key-refused': 422,
  'outcome-not-offered': 409,
  'lease-lost': 409,
  'profile-unknown': 404,
  'content-mismatch': 422,
  'nothing-to-bill': 409,
  'webhook-refused': 400,
  'public-keys-missing': 503,
  'content-unavailable': 503,
};

/** Somebody was kept out: worth a line, since many of them are an attack. */
const REFUSALS = new Set([401, 403, 429]);

/** Problem details for HTTP APIs (RFC 9457). */
export interface ProblemDetails {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly correlationId: string;
}

/** Answers every error as problem details. What is not a known error of ours keeps its message inside. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(@Inject(Services) private readonly services: Services) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<CallerRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const { status, code, detail } = describe(error);
    if (status >= 500) {
      this.services.logger.error(
        {
          err: error instanceof Error ? { message: error.message, stack: error.stack } : error,
          correlationId: request.correlationId,
        },
        'request failed',
      );
    }
    if (REFUSALS.has(status)) {
      const { method, ip: from, correlationId, caller } = request;
      const who = caller && `${caller.kind}:${caller.id}`;
      this.services.logger.info(
        { code, status, method, route: request.routeOptions.url, from, who, correlationId },
        'refused',
      );
    }
    const problem: ProblemDetails = {
      type: `urn:vouch:problem:${code}`,
      title: code.replaceAll('-', ' '),
      status,
      detail,
      code,
      correlationId: request.correlationId,
    };
    void reply.status(status).header('content-type', 'application/problem+json').send(problem);
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
      code: status === 404 ? 'not-found' : status === 400 ? 'request-invalid' : 'request-refused',
      detail,
    };
  }
  if (error instanceof Error) {
    const { code, statusCode } = error as Error & { code?: unknown; statusCode?: unknown };
    const status = typeof code === 'string' ? STATUS[code] : undefined;
    if (status !== undefined) return { status, code: String(code), detail: error.message };
    // Fastify's own refusals: body too large, wrong media type, malformed JSON.
    if (typeof statusCode === 'number' && statusCode < 500)
      return { status: statusCode, code: 'request-refused', detail: error.message };
  }
  return {
    status: 500,
    code: 'internal',
    detail: 'Something went wrong on our side; the correlation id finds it in the logs.',
  };
}
