import { Controller, Get, Inject, Param, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import {
  PatchDetail,
  PatchPage,
  PatchQuery,
  TestRunPage,
  TestRunQuery,
  VerdictDetail,
  VerdictPage,
  VerdictQuery,
  type Artefact,
  type DsseEnvelope,
  type Patch,
  type TestRun,
  type Verdict,
} from '@vouch/contracts';
import { scopeOf, type CallerContext } from '@vouch/identity';
import { shared } from '@vouch/platform';
import { z } from 'zod';
import { NotFound } from '../access/access.errors.js';
import { Access, Caller } from '../access/access.js';
import type { Page } from '../listing/lists.js';
import { Operation } from '../openapi/operation.js';
import { Services } from '../services.js';
import { patchListing, runListing, verdictListing } from './patches.listings.js';

@ApiTags('patches')
@Controller('api/v1')
export class PatchesController {
  constructor(@Inject(Services) private readonly services: Services) {}

  @Get('patches')
  @Access({ may: 'patch:read' })
  @Operation({
    id: 'listPatches',
    summary: 'Revisions of patches that machines of yours need or needed, newest first',
    answer: { schema: PatchPage },
  })
  patches(
    @Query({ schema: PatchQuery }) query: z.output<typeof PatchQuery>,
    @Caller() caller: CallerContext,
  ): Promise<Page<Patch>> {
    return this.services.rest.lists.page(patchListing, scopeOf(caller), query);
  }

  @Get('patches/:id')
  @Access({ may: 'patch:read' })
  @Operation({
    id: 'getPatch',
    summary: 'One revision, with the files that it consists of',
    answer: { schema: PatchDetail },
  })
  async patch(
    @Param('id', { schema: z.uuid() }) id: string,
    @Caller() caller: CallerContext,
  ): Promise<z.infer<typeof PatchDetail>> {
    const patch = await this.services.rest.lists.one(patchListing, scopeOf(caller), id);
    if (patch === null) throw new NotFound('patch');
    const artefacts = await this.services.database.read<Artefact>(
      shared,
      `select package, version, architecture, file_name as "fileName", size_bytes as "sizeBytes", sha256
         from catalog_artefact where revision_id = $1 order by package, architecture`,
      [id],
    );
    return { ...patch, artefacts };
  }

  @Get('runs')
  @Access({ may: 'evidence:read' })
  @Operation({
    id: 'listRuns',
    summary: 'Test runs of patches that machines of yours need or needed, newest first',
    answer: { schema: TestRunPage },
  })
  runs(
    @Query({ schema: TestRunQuery }) query: z.output<typeof TestRunQuery>,
    @Caller() caller: CallerContext,
  ): Promise<Page<TestRun>> {
    return this.services.rest.lists.page(runListing, scopeOf(caller), query);
  }

  @Get('verdicts')
  @Access({ may: 'evidence:read' })
  @Operation({
    id: 'listVerdicts',
    summary: 'Verdicts on patches that machines of yours need or needed, newest first',
    answer: { schema: VerdictPage },
  })
  verdicts(
    @Query({ schema: VerdictQuery }) query: z.output<typeof VerdictQuery>,
    @Caller() caller: CallerContext,
  ): Promise<Page<Verdict>> {
    return this.services.rest.lists.page(verdictListing, scopeOf(caller), query);
  }

  @Get('verdicts/:id')
  @Access({ may: 'evidence:read' })
  @Operation({ id: 'getVerdict', summary: 'One verdict, with its signed statement', answer: { schema: VerdictDetail } })
  async verdict(
    @Param('id', { schema: z.uuid() }) id: string,
    @Caller() caller: CallerContext,
  ): Promise<z.infer<typeof VerdictDetail>> {
    const verdict = await this.services.rest.lists.one(verdictListing, scopeOf(caller), id);
    const [row] = await this.services.database.read<{ envelope: DsseEnvelope }>(
      shared,
      'select envelope from lab_verdict where id = $1',
      [id],
    );
    if (verdict === null || row === undefined) throw new NotFound('verdict');
    return { ...verdict, envelope: row.envelope };
  }
}
