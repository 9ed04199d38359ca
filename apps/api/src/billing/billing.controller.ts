import { Body, Controller, Headers, HttpCode, Inject, Param, Post, Req } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { scopeOf, type CallerContext } from '@vouch/identity';
import { z } from 'zod';
import { NotFound } from '../access/access.errors.js';
import { Access, Caller, type CallerRequest } from '../access/access.js';
import { Services } from '../services.js';

const ClosePeriod = z.object({ period: z.string().regex(/^[\w.:-]{1,40}$/, 'must be a short name such as 2026-01') });

@ApiTags('billing')
@Controller()
export class BillingController {
  constructor(@Inject(Services) private readonly services: Services) {}

  @Post('api/v1/statements')
  @HttpCode(202)
  @Access({ may: 'statement:close' })
  @ApiOperation({ summary: 'Close a billing period: unbilled costs are split and each tenant gets its statement' })
  async close(
    @Body({ schema: ClosePeriod }) body: z.infer<typeof ClosePeriod>,
    @Caller() caller: CallerContext,
  ): Promise<{ period: string }> {
    await this.services.billing.closePeriod(caller, body.period);
    return { period: body.period };
  }

  @Post('api/v1/tenants/:id/portal-session')
  @HttpCode(200)
  @Access({ may: 'portal:open' })
  @ApiOperation({ summary: "A short-lived link to the payment provider's pages of one tenant" })
  async portal(
    @Param('id', { schema: z.uuid() }) id: string,
    @Caller() caller: CallerContext,
  ): Promise<{ url: string }> {
    const [customer] = await this.services.database.read<{ customer_id: string }>(
      scopeOf(caller),
      'select customer_id from billing_customer where tenant_id = $1 and provider = $2',
      [id, this.services.payments.name],
    );
    if (!customer) throw new NotFound('billing account of this tenant');
    return {
      url: await this.services.payments.portalLink(customer.customer_id, this.services.config.VOUCH_PUBLIC_URL),
    };
  }

  @Post('webhooks/stripe')
  @HttpCode(204)
  @Access('public')
  @ApiOperation({ summary: 'Events of the payment provider; only signed ones are taken' })
  async webhook(
    @Req() request: CallerRequest,
    @Headers('stripe-signature') signature: string | undefined,
  ): Promise<void> {
    const event = this.services.payments.readWebhook(request.rawBody ?? Buffer.alloc(0), signature ?? '');
    await this.services.billing.notePayment(event, request.correlationId);
  }
}
