import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Put } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { ExploitationNote, LabQueue, RunCancellation } from '@vouch/contracts';
import type { CallerContext } from '@vouch/identity';
import { z } from 'zod';
import { NotFound } from '../access/access.errors.js';
import { Access, Caller } from '../access/access.js';
import { Operation } from '../openapi/operation.js';
import { Services } from '../services.js';
import { askerOf } from './lab-desk.js';

const Id = z.uuid();

/** What those who run the installation do with the lab's queue. Nothing here can make a verdict, or change one. */
@ApiTags('lab desk')
@Controller('api/v1')
export class LabDeskController {
  constructor(@Inject(Services) private readonly services: Services) {}

  @Get('lab/queue')
  @Access({ may: 'lab-queue:read' })
  @Operation({
    id: 'getLabQueue',
    summary: 'What is tested and what waits, the hosts of the lab, and which patches go first',
    answer: { schema: LabQueue },
  })
  async queue(): Promise<LabQueue> {
    const { queue, exploited } = this.services.rest.lab;
    return { ...(await queue.read()), exploited: await exploited.list() };
  }

  @Post('runs/:id/cancel')
  @HttpCode(204)
  @Access({ may: 'run:cancel' })
  @Operation({
    id: 'cancelRun',
    summary: 'Call a test run off, for everybody',
    description: 'Its machine is discarded within seconds. Without a verdict, the patch is not approved anywhere.',
    problems: [404, 409],
  })
  async cancel(
    @Param('id', { schema: Id }) id: string,
    @Body({ schema: RunCancellation }) body: RunCancellation,
    @Caller() caller: CallerContext,
  ): Promise<void> {
    if (!(await this.services.rest.lab.runs.cancel(id, body.why, askerOf(caller)))) throw new NotFound('run');
  }

  @Post('runs/:id/resume')
  @HttpCode(204)
  @Access({ may: 'run:cancel' })
  @Operation({
    id: 'resumeRun',
    summary: 'Put a run that was called off back into the queue',
    problems: [404, 409],
  })
  async resume(@Param('id', { schema: Id }) id: string, @Caller() caller: CallerContext): Promise<void> {
    if (!(await this.services.rest.lab.runs.resume(id, askerOf(caller)))) throw new NotFound('run');
  }

  @Post('runs/:id/repeat')
  @HttpCode(204)
  @Access({ may: 'run:cancel' })
  @Operation({
    id: 'repeatRun',
    summary: 'Have a judged test done again',
    description:
      'As soon as machines wait for its patch and its lab environment is there. Until the next verdict says something, this one counts. Costs no customer anything.',
    problems: [404, 409],
  })
  async repeat(@Param('id', { schema: Id }) id: string, @Caller() caller: CallerContext): Promise<void> {
    if (!(await this.services.rest.lab.runs.repeat(id, askerOf(caller)))) throw new NotFound('run');
  }

  @Put('patches/:id/exploited')
  @HttpCode(204)
  @Access({ may: 'patch:prioritise' })
  @Operation({
    id: 'markExploited',
    summary: 'Test a patch before all others, since somebody is known to use the hole that it closes',
    description: 'Takes the id of any revision, and holds for the patch: its later revisions too.',
    problems: [404],
  })
  async mark(
    @Param('id', { schema: Id }) id: string,
    @Body({ schema: ExploitationNote }) body: ExploitationNote,
    @Caller() caller: CallerContext,
  ): Promise<void> {
    if (!(await this.services.rest.lab.exploited.mark(id, body.note, askerOf(caller)))) throw new NotFound('patch');
  }

  @Delete('patches/:id/exploited')
  @HttpCode(204)
  @Access({ may: 'patch:prioritise' })
  @Operation({ id: 'clearExploited', summary: 'Test a patch in its turn again', problems: [404] })
  async clear(@Param('id', { schema: Id }) id: string, @Caller() caller: CallerContext): Promise<void> {
    if (!(await this.services.rest.lab.exploited.clear(id, askerOf(caller)))) throw new NotFound('patch');
  }
}
