import { Controller, Get, Headers, Inject, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Metrics, sha256Hex } from '@vouch/platform';
import { Access } from '../access/access.js';
import { NotFound } from '../access/access.errors.js';
import { Services } from '../services.js';

@ApiTags('operation')
@Access('public')
@Controller()
export class HealthController {
  constructor(
    @Inject(Services) private readonly services: Services,
    @Inject(Metrics) private readonly metrics: Metrics,
  ) {}

  @Get('health/live')
  @ApiOperation({ summary: 'The process runs' })
  live(): { status: string } {
    return { status: 'live' };
  }

  @Get('health/ready')
  @ApiOperation({ summary: 'The process can serve: its database answers' })
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
  @ApiOperation({ summary: 'Prometheus metrics, for who presents the token of the settings' })
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
