import {
  BadRequestException,
  Inject,
  Injectable,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { lastValueFrom, of, type Observable } from 'rxjs';
import type { CallerRequest } from '../access/access.js';
import { Services } from '../services.js';

const KEPT_HEADERS = ['etag', 'location'];

/** Lets people and keys repeat a change safely, with the header Idempotency-Key. */
@Injectable()
export class IdempotencyInterceptor implements NestInterceptor {
  constructor(@Inject(Services) private readonly services: Services) {}

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const request = context.switchToHttp().getRequest<CallerRequest>();
    const key = request.headers['idempotency-key'];
    if (key === undefined || request.method === 'GET' || request.caller === undefined) return next.handle();
    if (typeof key !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(key))
      throw new BadRequestException('Idempotency-Key must be 1 to 255 visible ASCII characters, sent once.');
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    const { kind, id } = request.caller;
    const asked = [
      request.method,
      request.url,
      request.headers['if-match'] ?? '',
      request.rawBody?.toString('base64') ?? '',
    ];
    const answer = await this.services.rest.idempotency.once(`${kind}:${id}`, key, asked.join('\n'), async () => {
      const body: unknown = await lastValueFrom(next.handle(), { defaultValue: undefined });
      const headers = KEPT_HEADERS.map((name) => [name, reply.getHeader(name)] as const);
      return {
        status: reply.statusCode,
        headers: Object.fromEntries(headers.filter((pair): pair is [string, string] => typeof pair[1] === 'string')),
        body,
      };
    });
    if (answer.replayed) reply.status(answer.status).headers({ ...answer.headers, 'idempotency-replayed': 'true' });
    return of(answer.body);
  }
}
