import { Body, Controller, Inject, Post } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { MemberContext } from '@vouch/identity';
import { z } from 'zod';
import { NotFound } from '../access/access.errors.js';
import { Access, Member } from '../access/access.js';
import { Services } from '../services.js';

const NewToken = z.object({ tenantId: z.uuid(), ring: z.int().min(0).max(9) });

@ApiTags('fleet')
@Controller('api/v1/enrolment-tokens')
export class EnrolmentTokenController {
  constructor(@Inject(Services) private readonly services: Services) {}

  @Post()
  @Access({ member: 'enrolment-token:create' })
  @ApiOperation({ summary: 'A one-time token with which one device can enrol; it is shown only here' })
  async create(
    @Body({ schema: NewToken }) body: z.infer<typeof NewToken>,
    @Member() member: MemberContext,
  ): Promise<{ token: string; expiresAt: string }> {
    if (!member.tenantIds.includes(body.tenantId)) throw new NotFound('tenant');
    const { token, expiresAt } = await this.services.enrolment.createToken(member, body.tenantId, body.ring);
    return { token, expiresAt: expiresAt.toISOString() };
  }
}
