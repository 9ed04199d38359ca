import { Readable } from 'node:stream';
import { Controller, Get, Inject, Query, Res, StreamableFile } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { AuditPage, AuditQuery } from '@vouch/contracts';
import type { CallerContext } from '@vouch/identity';
import type { z } from 'zod';
import { Access, Caller } from '../access/access.js';
import { Operation } from '../openapi/operation.js';
import { Services } from '../services.js';
import { AuditTrail } from './audit-trail.query.js';

@ApiTags('audit')
@Access({ may: 'audit:read' })
@Controller('api/v1/audit')
export class AuditController {
  private readonly trail: AuditTrail;

  constructor(@Inject(Services) services: Services) {
    this.trail = new AuditTrail(services.database);
  }

  @Get()
  @Operation({
    id: 'listAuditEntries',
    summary: 'Who did what, when, why and from where',
    answer: { schema: AuditPage },
    problems: [404],
  })
  page(
    @Query({ schema: AuditQuery }) query: z.output<typeof AuditQuery>,
    @Caller() caller: CallerContext,
  ): Promise<z.infer<typeof AuditPage>> {
    return this.trail.page(caller, query);
  }

  @Get('export')
  @Operation({
    id: 'exportAudit',
    answer: {
      type: 'application/x-ndjson',
      example: '{"kind":"checkpoint","envelope":{}}\n',
      description: 'One JSON object a line: an entry in its place in a chain, or a checkpoint.',
    },
    summary: 'The whole trail with its signed checkpoints, for `npm run audit -- verify` to check offline',
  })
  export(@Caller() caller: CallerContext, @Res({ passthrough: true }) reply: FastifyReply): StreamableFile {
    reply.header('content-type', 'application/x-ndjson');
    reply.header('content-disposition', 'attachment; filename="audit.ndjson"');
    return new StreamableFile(Readable.from(this.trail.export(caller)));
  }
}

export const auditControllers = [AuditController];
