import { Body, Controller, Headers, HttpCode, Inject, Param, Post, Req } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { ClosePeriod, PortalSession } from '@vouch/contracts';
import { scopeOf, type CallerContext } from '@vouch/identity';
import { z } from 'zod';
import { NotFound } from '../access/access.errors.js';
import { Access, Caller, type CallerRequest } from '../access/access.js';
import { Operation } from '../openapi/operation.js';
import { Services } from '../services.js';

@ApiTags('billing')
@Controller()
export class BillingController {
  constructor(@Inject(Services) private readonly services: Services) {}

  @Post('api/v1/statements')
  @HttpCode(202)
  @Access({ may: 'statement:close' })
  @Operation({
    id: 'closePeriod',
    summary:
      'Close a billing period of your MSP: each of its tenants gets a statement of the shares that are on none yet',
    description:
      'Costs are split over all tenants that needed the test, of whichever MSP. The operator closes it for all MSPs.',
    answer: { schema: ClosePeriod },
  })
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
  @Operation({
    id: 'openPortal',
    summary: "A short-lived link to the payment provider's pages of one tenant",
    answer: { schema: PortalSession },
  })
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
  @Operation({
    id: 'receivePaymentEvent',
    summary: 'Events of the payment provider; only signed ones are taken',
    takes: 'application/json',
  })
  async webhook(
    @Req() request: CallerRequest,
    @Headers('stripe-signature') signature: string | undefined,
  ): Promise<void> {
    const event = this.services.payments.readWebhook(request.rawBody ?? Buffer.alloc(0), signature ?? '');
    await this.services.billing.notePayment(event, request.correlationId);
  }
}
