import { Body, Controller, Inject, Post } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { CallerContext } from '@vouch/identity';
import { z } from 'zod';
import { NotFound } from '../access/access.errors.js';
import { Access, Caller } from '../access/access.js';
import { Services } from '../services.js';

const NewToken = z.object({ tenantId: z.uuid(), ring: z.int().min(0).max(9) });

@ApiTags('fleet')
@Controller('api/v1/enrolment-tokens')
export class EnrolmentTokenController {
  constructor(@Inject(Services) private readonly services: Services) {}

  @Post()
  @Access({ may: 'enrolment-token:create' })
  @ApiOperation({ summary: 'A one-time token with which one device can enrol; it is shown only here' })
  async create(
    @Body({ schema: NewToken }) body: z.infer<typeof NewToken>,
    @Caller() caller: CallerContext,
  ): Promise<{ token: string; expiresAt: string }> {
    if (!caller.tenantIds.includes(body.tenantId)) throw new NotFound('tenant');
    const { token, expiresAt } = await this.services.enrolment.createToken(caller, body.tenantId, body.ring);
    return { token, expiresAt: expiresAt.toISOString() };
  }
}
