import { Controller, Get, Headers, Inject, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import type { FastifyReply } from 'fastify';
import { Metrics, sha256Hex } from '@vouch/platform';
import { Access } from '../access/access.js';
import { NotFound } from '../access/access.errors.js';
import { Operation } from '../openapi/operation.js';
import { Services } from '../services.js';

const Live = z.object({ status: z.literal('live') }).meta({ id: 'Live', examples: [{ status: 'live' }] });
const Ready = z
  .object({ status: z.enum(['ready', 'not ready']), database: z.enum(['up', 'down']) })
  .meta({ id: 'Ready', examples: [{ status: 'ready', database: 'up' }] });

@ApiTags('operation')
@Access('public')
@Controller()
export class HealthController {
  constructor(
    @Inject(Services) private readonly services: Services,
    @Inject(Metrics) private readonly metrics: Metrics,
  ) {}

  @Get('health/live')
  @Operation({ id: 'isLive', summary: 'The process runs', answer: { schema: Live } })
  live(): { status: string } {
    return { status: 'live' };
  }

  @Get('health/ready')
  @Operation({
    id: 'isReady',
    summary: 'The process can serve: its database answers',
    answer: { schema: Ready },
    more: { 503: { schema: Ready, description: 'Its database does not answer.' } },
  })
  async ready(@Res({ passthrough: true }) reply: FastifyReply): Promise<{ status: string; database: string }> {
    try {
      await this.services.database.ping();
      return { status: 'ready', database: 'up' };
    } catch {
      reply.status(503);
      return { status: 'not ready', database: 'down' };
    }
  }

  @Get('metrics')
  @Operation({
    id: 'getMetrics',
    summary: 'Prometheus metrics, for who presents the token of the settings',
    answer: { type: 'text/plain', example: '# TYPE process_cpu_seconds_total counter' },
    problems: [404],
  })
  async scrape(
    @Headers('authorization') authorization: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    const token = this.services.config.VOUCH_METRICS_TOKEN;
    // Figures tell a stranger how busy we are and which routes there are. Digests compare in equal time.
    if (token === undefined || sha256Hex(authorization ?? '') !== sha256Hex(`Bearer ${token}`))
      throw new NotFound('page');
    reply.header('content-type', this.metrics.registry.contentType);
    return this.metrics.registry.metrics();
  }
}
