import { Body, Controller, Delete, Get, Headers, HttpCode, Inject, Param, Put, Req, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { SingleSignOnSettings, SingleSignOnView } from '@vouch/contracts';
import type { CallerContext } from '@vouch/identity';
import { z } from 'zod';
import { NotFound } from '../access/access.errors.js';
import { Access, Caller, type CallerRequest } from '../access/access.js';
import { originOf } from '../access/origin.js';
import { versionOf, versionTag } from '../http/entity-tag.js';
import { Operation } from '../openapi/operation.js';
import { Services } from '../services.js';

@ApiTags('single-sign-on')
@Controller('api/v1')
export class SingleSignOnController {
  constructor(@Inject(Services) private readonly services: Services) {}

  @Get('session/single-sign-on/:mspId')
  @HttpCode(302)
  @Access('public')
  @Operation({
    id: 'beginSingleSignOn',
    summary: 'Sign in with the identity provider of an MSP: sends the browser there',
    problems: [422],
  })
  async begin(
    @Param('mspId', { schema: z.uuid() }) mspId: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    const { singleSignOn, cookie } = this.services.people;
    const begun = await singleSignOn.begin(mspId);
    if (begun === null) throw new NotFound('single sign-on');
    cookie.writeState(reply, begun.state);
    void reply.status(302).header('location', begun.url);
  }

  @Get('single-sign-on/callback')
  @HttpCode(302)
  @Access('public')
  @Operation({
    id: 'finishSingleSignOn',
    summary: 'Where identity providers send browsers back to',
    description:
      'Begins a session and goes on to the console. An account with a second factor of its own is asked for it unless the provider says that one was proved.',
    problems: [403, 422],
  })
  async finish(@Req() request: CallerRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<void> {
    const { singleSignOn, cookie } = this.services.people;
    const query = request.url.slice(request.url.indexOf('?'));
    const state = cookie.takeState(request, reply);
    cookie.write(reply, await singleSignOn.finish(query.startsWith('?') ? query : '?', state, originOf(request)));
    void reply.status(302).header('location', '/');
  }

  @Get('single-sign-on')
  @Access({ may: 'single-sign-on:read' })
  @Operation({
    id: 'getSingleSignOn',
    summary: "Your MSP's identity provider, without its secret",
    answer: { schema: SingleSignOnView },
    problems: [404],
  })
  async read(
    @Caller() caller: CallerContext,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<z.infer<typeof SingleSignOnView>> {
    const { singleSignOn } = this.services.people;
    const settings = await singleSignOn.read(caller);
    if (settings === null) throw new NotFound('single sign-on');
    reply.header('etag', versionTag(settings.version));
    return { ...settings, ...this.addresses(caller) };
  }

  @Put('single-sign-on')
  @HttpCode(200)
  @Access({ may: 'single-sign-on:manage' })
  @Operation({
    id: 'configureSingleSignOn',
    summary: 'Let members of your MSP sign in with its identity provider (OpenID Connect)',
    description: 'Other settings than those that are there want their ETag as If-Match; the first ones want none.',
    conditional: true,
    answer: { schema: SingleSignOnView },
    problems: [422],
  })
  async configure(
    @Body({ schema: SingleSignOnSettings }) body: z.infer<typeof SingleSignOnSettings>,
    @Headers('if-match') ifMatch: string | undefined,
    @Caller() caller: CallerContext,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<z.infer<typeof SingleSignOnView>> {
    const { singleSignOn } = this.services.people;
    const first = ifMatch === undefined && (await singleSignOn.read(caller)) === null;
    const version = await singleSignOn.configure(caller, body, first ? null : versionOf(ifMatch, 'single sign-on'));
    reply.header('etag', versionTag(version));
    const { clientSecret: _, ...kept } = body;
    return { ...kept, version, ...this.addresses(caller) };
  }

  @Delete('single-sign-on')
  @HttpCode(204)
  @Access({ may: 'single-sign-on:manage' })
  @Operation({ id: 'removeSingleSignOn', summary: 'Switch single sign-on off', problems: [404] })
  async remove(@Caller() caller: CallerContext): Promise<void> {
    if (!(await this.services.people.singleSignOn.remove(caller))) throw new NotFound('single sign-on');
  }

  private addresses({ mspId }: CallerContext): { callbackUrl: string; signInUrl: string } {
    const { callbackUrl } = this.services.people.singleSignOn;
    return { callbackUrl, signInUrl: new URL(`/api/v1/session/single-sign-on/${mspId}`, callbackUrl).href };
  }
}
