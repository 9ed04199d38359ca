import { Readable } from 'node:stream';
import {
  Controller,
  Get,
  Headers,
  Inject,
  Param,
  Req,
  Res,
  Sse,
  StreamableFile,
  type MessageEvent,
} from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { concatMap, filter, interval, map, merge, share, takeUntil, type Observable } from 'rxjs';
import { Overview, RunDetail, Sha256 } from '@vouch/contracts';
import type { CallerContext } from '@vouch/identity';
import { z } from 'zod';
import { NotFound } from '../access/access.errors.js';
import { Access, Caller, type CallerRequest } from '../access/access.js';
import { isStillIn, STILL_IN_EVERY_MS } from '../access/still-in.js';
import { Operation } from '../openapi/operation.js';
import { Services } from '../services.js';
import { audienceOf } from './audience.js';
import { placeOf, watchRun } from './watch-run.js';

@ApiTags('console')
@Controller('api/v1')
export class ConsoleController {
  constructor(@Inject(Services) private readonly services: Services) {}

  @Get('overview')
  @Access({ may: 'overview:read' })
  @Operation({
    id: 'getOverview',
    summary: 'Everything that the signed-in member may see, at one moment',
    answer: { schema: Overview },
  })
  overview(@Caller() caller: CallerContext): Promise<Overview> {
    return this.services.overview.read(caller);
  }

  @Sse('live')
  @Access({ may: 'overview:read' })
  @Operation({
    id: 'watch',
    summary: 'Server-sent events: `change` names what kind of thing changed, `resync` asks to read anew',
    description:
      'You hear of what concerns your tenants, of patches that machines of theirs need or needed, and of the lab and the catalog.',
    answer: { type: 'text/event-stream', example: 'event: change\ndata: {"topic":"lab.run-queued"}\n\n' },
  })
  live(@Caller() caller: CallerContext, @Req() request: CallerRequest): Observable<MessageEvent> {
    const messages = this.services.live
      .messagesFor(audienceOf(caller))
      .pipe(map(({ type, topic }) => ({ type, data: { topic } })));
    const stillIn = interval(STILL_IN_EVERY_MS).pipe(
      concatMap(() => isStillIn(this.services, request, 'overview:read')),
      share(),
    );
    // Something now and then keeps proxies from closing the connection.
    const alive = stillIn.pipe(map(() => ({ type: 'alive', data: {} })));
    return merge(messages, alive).pipe(takeUntil(merge(stillIn.pipe(filter((is) => !is)), this.services.live.ended)));
  }

  @Get('runs/:id')
  @Access({ may: 'evidence:read' })
  @Operation({
    id: 'getRun',
    summary: 'One test run with its evidence, verdict and signed statement',
    answer: { schema: RunDetail },
  })
  async run(@Param('id', { schema: z.uuid() }) id: string, @Caller() caller: CallerContext): Promise<RunDetail> {
    const seen = await this.services.seenRuns.hasRun(caller, id);
    const detail = seen ? await this.services.runDetails.read(id) : null;
    if (detail === null) throw new NotFound('test run');
    return detail;
  }

  @Get('runs/:id/output')
  @Access({ may: 'evidence:read' })
  @Operation({
    id: 'watchRun',
    summary: 'Server-sent events: `output` is what the machine printed, `end` that the run has ended',
    description:
      'Begins with the newest pieces that are kept, or after the one that `Last-Event-ID` names. What ended is told by its evidence.',
    answer: {
      type: 'text/event-stream',
      example: 'id: 1.7\nevent: output\ndata: {"attempt":1,"step":"apply","text":"Setting up nginx ...\\n"}\n\n',
    },
  })
  async output(
    @Param('id', { schema: z.uuid() }) id: string,
    @Headers('last-event-id') last: string | undefined,
    @Caller() caller: CallerContext,
    @Req() request: CallerRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<StreamableFile> {
    const { live, watchRuns, seenRuns } = this.services;
    const after = placeOf(last);
    if (!(await seenRuns.hasRun(caller, id)) || (await watchRuns.read(id, after)) === null)
      throw new NotFound('test run');
    const mayGoOn = (): Promise<boolean> => isStillIn(this.services, request, 'evidence:read');
    reply.header('content-type', 'text/event-stream');
    reply.header('x-accel-buffering', 'no');
    return new StreamableFile(Readable.from(watchRun(watchRuns, live, id, after, mayGoOn)));
  }

  @Get('evidence/:sha256')
  @Access({ may: 'evidence:read' })
  @Operation({
    id: 'getEvidence',
    summary: 'One piece of evidence by its content address',
    answer: { type: 'text/plain', example: 'Setting up nginx ...' },
  })
  async evidence(
    @Param('sha256', { schema: Sha256 }) sha256: string,
    @Caller() caller: CallerContext,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<StreamableFile> {
    const { evidence, seenRuns } = this.services;
    if (!(await seenRuns.hasEvidence(caller, sha256)) || !(await evidence.has(sha256))) throw new NotFound('evidence');
    reply.header('content-type', 'text/plain; charset=utf-8');
    reply.header('content-disposition', `attachment; filename="${sha256}.txt"`);
    return new StreamableFile(evidence.stream(sha256));
  }
}
