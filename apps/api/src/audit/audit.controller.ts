import { Readable } from 'node:stream';
import { Controller, Get, Inject, Query, Res, StreamableFile } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Sha256, type AuditPage } from '@vouch/contracts';
import type { CallerContext } from '@vouch/identity';
import { z } from 'zod';
import { Access, Caller } from '../access/access.js';
import { Services } from '../services.js';
import { AuditQuery } from './audit.query.js';

const Filter = z.object({
  /** The `next` of the page before. */
  after: Sha256.optional(),
  limit: z.coerce.number().int().min(1).max(500).default(100),
  action: z.string().min(1).max(100).optional(),
  subject: z.string().min(1).max(200).optional(),
});

@ApiTags('audit')
@Access({ may: 'audit:read' })
@Controller('api/v1/audit')
export class AuditController {
  private readonly trail: AuditQuery;

  constructor(@Inject(Services) services: Services) {
    this.trail = new AuditQuery(services.database);
  }

  @Get()
  @ApiOperation({ summary: 'Who did what, when, why and from where; oldest first' })
  page(@Query({ schema: Filter }) filter: z.infer<typeof Filter>, @Caller() caller: CallerContext): Promise<AuditPage> {
    return this.trail.page(caller, filter);
  }

  @Get('export')
  @ApiOperation({
    summary: 'The whole trail with its signed checkpoints, for `npm run audit -- verify` to check offline',
  })
  export(@Caller() caller: CallerContext, @Res({ passthrough: true }) reply: FastifyReply): StreamableFile {
    reply.header('content-type', 'application/x-ndjson');
    reply.header('content-disposition', 'attachment; filename="audit.ndjson"');
    return new StreamableFile(Readable.from(this.trail.export(caller)));
  }
}

export const auditControllers = [AuditController];
