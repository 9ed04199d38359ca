import { Body, Controller, Get, HttpCode, Inject, Param, Post, Put, Req, Res, StreamableFile } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import {
  ClaimRequest,
  GoldenReport,
  LabHeartbeat,
  LabJob,
  RunOutput,
  RunReport,
  RunnerHello,
  RunnerWelcome,
  Sha256,
  StepProgress,
} from '@vouch/contracts';
import { z } from 'zod';
import { NotFound } from '../access/access.errors.js';
import { Access, Runner, type CallerRequest, type RunnerContext } from '../access/access.js';
import { Operation } from '../openapi/operation.js';
import { Services } from '../services.js';

const RunId = z.uuid();
const HOLD_MS = 10_000;
const LOOK_MS = 500;

/** What lab-runners may do: take runs, tell what they saw. They approve nothing and see no tenant. */
@ApiTags('lab')
@Access('lab-runner')
@Controller('lab/v1')
export class LabController {
  constructor(@Inject(Services) private readonly services: Services) {}

  @Post('hello')
  @HttpCode(200)
  @Operation({
    id: 'labHello',
    summary: 'A runner has started; runs that it had leased go back to the queue',
    answer: { schema: RunnerWelcome },
  })
  hello(@Body({ schema: RunnerHello }) body: RunnerHello, @Runner() runner: RunnerContext): Promise<RunnerWelcome> {
    return this.services.runners.welcome(runner.credential, body, runner.correlationId);
  }

  @Post('goldens')
  @HttpCode(204)
  @Operation({ id: 'labGolden', summary: 'A golden is being built, is ready, or could not be built', problems: [404] })
  async golden(@Body({ schema: GoldenReport }) body: GoldenReport, @Runner() runner: RunnerContext): Promise<void> {
    await this.services.runners.reportGolden(await this.runnerId(runner), body, runner.correlationId);
  }

  @Post('runs/claim')
  @HttpCode(200)
  @Operation({
    id: 'labClaim',
    summary: 'Lease the most urgent run; held open for some seconds when there is none',
    answer: { schema: LabJob },
    more: { 204: { description: 'There is nothing to do.' } },
    problems: [404],
  })
  async claim(
    @Body({ schema: ClaimRequest }) body: ClaimRequest,
    @Runner() runner: RunnerContext,
    @Req() request: CallerRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<LabJob | undefined> {
    const runnerId = await this.runnerId(runner);
    // A profile that was declared after the runner's hello: 404 makes it introduce itself again.
    if (await this.services.runners.hasNewsFor(runnerId))
      throw new NotFound('golden here of every profile: say hello again');
    const until = Date.now() + HOLD_MS;
    while (!request.raw.socket.destroyed) {
      const job = await this.services.runs.claim(runnerId, body.drivers ?? null);
      if (job !== null) return job;
      if (Date.now() >= until) break;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    reply.status(204);
    return undefined;
  }

  @Post('runs/:id/heartbeat')
  @HttpCode(204)
  @Operation({ id: 'labHeartbeat', summary: 'Renew the lease', problems: [409] })
  async heartbeat(
    @Param('id', { schema: RunId }) id: string,
    @Body({ schema: LabHeartbeat }) body: z.infer<typeof LabHeartbeat>,
    @Runner() runner: RunnerContext,
  ): Promise<void> {
    await this.services.runs.heartbeat(await this.runnerId(runner), id, body.attempt);
  }

  @Post('runs/:id/progress')
  @HttpCode(204)
  @Operation({ id: 'labProgress', summary: 'A step has begun or ended', problems: [409] })
  async progress(
    @Param('id', { schema: RunId }) id: string,
    @Body({ schema: StepProgress }) body: StepProgress,
    @Runner() runner: RunnerContext,
  ): Promise<void> {
    await this.services.runs.progress(await this.runnerId(runner), id, body);
  }

  @Post('runs/:id/output')
  @HttpCode(204)
  @Operation({ id: 'labOutput', summary: 'What the machine printed, for people who watch', problems: [409] })
  async output(
    @Param('id', { schema: RunId }) id: string,
    @Body({ schema: RunOutput }) body: RunOutput,
    @Runner() runner: RunnerContext,
  ): Promise<void> {
    await this.services.watchRuns.add(await this.runnerId(runner), id, body);
  }

  @Post('runs/:id/report')
  @HttpCode(204)
  @Operation({ id: 'labReport', summary: 'What the run saw', problems: [409] })
  async report(
    @Param('id', { schema: RunId }) id: string,
    @Body({ schema: RunReport }) body: RunReport,
    @Runner() runner: RunnerContext,
  ): Promise<void> {
    await this.services.runs.report(await this.runnerId(runner), id, body);
  }

  @Get('artefacts/:sha256')
  @Operation({
    id: 'labArtefact',
    summary: 'The bytes of an artefact under test',
    answer: { type: 'application/octet-stream', example: '!<arch>' },
  })
  async artefact(
    @Param('sha256', { schema: Sha256 }) sha256: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<StreamableFile> {
    if (!(await this.services.artefacts.has(sha256))) throw new NotFound('artefact');
    reply.header('content-type', 'application/octet-stream');
    return new StreamableFile(this.services.artefacts.stream(sha256));
  }

  @Put('evidence/:sha256')
  @HttpCode(204)
  @Operation({
    id: 'labEvidence',
    summary: 'Hand in a piece of evidence under its content address',
    takes: 'application/octet-stream',
    problems: [404, 409, 422],
  })
  async evidence(@Param('sha256', { schema: Sha256 }) sha256: string, @Req() request: CallerRequest): Promise<void> {
    await this.services.evidence.put(Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0), sha256);
  }

  private async runnerId(runner: RunnerContext): Promise<string> {
    const id = await this.services.runners.findRunner(runner.credential);
    if (id === null) throw new NotFound('lab-runner of this credential: say hello first');
    return id;
  }
}
