import { SetMetadata, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { Observable } from 'rxjs';

export interface Deprecation {
  /** Since when new programs should not use it (ISO date). */
  readonly since: string;
  /** When it stops answering: at least half a year later (ISO date). */
  readonly sunset: string;
  /** Where to read what to use instead. */
  readonly link: string;
}

export const DEPRECATION = 'vouch:deprecation';
/** Announces the end of a route, in its answers and in the OpenAPI document. */
export const Deprecated = (deprecation: Deprecation): MethodDecorator & ClassDecorator =>
  SetMetadata(DEPRECATION, deprecation);

/** The headers of a deprecated route: Deprecation (RFC 9745), Sunset (RFC 8594), Link. */
export function deprecationHeaders({ since, sunset, link }: Deprecation): Record<string, string> {
  return {
    deprecation: `@${Math.floor(Date.parse(since) / 1000)}`,
    sunset: new Date(sunset).toUTCString(),
    link: `<${link}>; rel="deprecation"; type="text/html"`,
  };
}

export class DeprecationInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const deprecation = (Reflect.getMetadata(DEPRECATION, context.getHandler()) ??
      Reflect.getMetadata(DEPRECATION, context.getClass())) as Deprecation | undefined;
    if (deprecation !== undefined)
      void context.switchToHttp().getResponse<FastifyReply>().headers(deprecationHeaders(deprecation));
    return next.handle();
  }
}
