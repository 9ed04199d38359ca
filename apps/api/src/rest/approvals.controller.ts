import { Controller, Get, Inject, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import {
  ApprovalCheck,
  ApprovalCheckQuery,
  ApprovalPage,
  ApprovalQuery,
  ChannelPage,
  ChannelQuery,
  OutcomePage,
  OutcomeQuery,
  type Approval,
  type Channel,
  type Outcome,
} from '@vouch/contracts';
import { scopeOf, type CallerContext } from '@vouch/identity';
import type { z } from 'zod';
import { NotFound } from '../access/access.errors.js';
import { Access, Caller } from '../access/access.js';
import type { Page } from '../listing/lists.js';
import { Operation } from '../openapi/operation.js';
import { Services } from '../services.js';
import { approvalListing, channelListing, outcomeListing } from './approvals.listings.js';

@ApiTags('approvals')
@Controller('api/v1')
export class ApprovalsController {
  constructor(@Inject(Services) private readonly services: Services) {}

  @Get('channels')
  @Access({ may: 'approval:read' })
  @Operation({ id: 'listChannels', summary: 'Channels that machines of yours read', answer: { schema: ChannelPage } })
  channels(
    @Query({ schema: ChannelQuery }) query: z.output<typeof ChannelQuery>,
    @Caller() caller: CallerContext,
  ): Promise<Page<Channel>> {
    return this.services.rest.lists.page(channelListing, scopeOf(caller), query);
  }

  @Get('approvals')
  @Access({ may: 'approval:read' })
  @Operation({
    id: 'listApprovals',
    summary: 'Approvals in channels that machines of yours read, newest first',
    answer: { schema: ApprovalPage },
  })
  approvals(
    @Query({ schema: ApprovalQuery }) query: z.output<typeof ApprovalQuery>,
    @Caller() caller: CallerContext,
  ): Promise<Page<Approval>> {
    return this.services.rest.lists.page(approvalListing, scopeOf(caller), query);
  }

  @Get('approvals/check')
  @Access({ may: 'approval:read' })
  @Operation({
    id: 'checkApproval',
    summary: 'Is this digest approved for this machine?',
    description: 'Answers yes or no for exactly these bytes and this machine, with the reason in a sentence.',
    answer: { schema: ApprovalCheck },
    problems: [404],
  })
  async check(
    @Query({ schema: ApprovalCheckQuery }) query: z.output<typeof ApprovalCheckQuery>,
    @Caller() caller: CallerContext,
  ): Promise<ApprovalCheck> {
    const answer = await this.services.rest.approvals.check(caller, query.sha256, query.deviceId);
    if (answer === null) throw new NotFound('device');
    return answer;
  }

  @Get('outcomes')
  @Access({ may: 'outcome:read' })
  @Operation({
    id: 'listOutcomes',
    summary: 'What really happened on machines, newest first',
    answer: { schema: OutcomePage },
  })
  outcomes(
    @Query({ schema: OutcomeQuery }) query: z.output<typeof OutcomeQuery>,
    @Caller() caller: CallerContext,
  ): Promise<Page<Outcome>> {
    return this.services.rest.lists.page(outcomeListing, scopeOf(caller), query);
  }
}
