import { Body, Controller, Delete, Get, HttpCode, Inject, Post, Req, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { SecondFactorProof, SignedIn, SignIn, StepUpProof } from '@vouch/contracts';
import { actionsOf, keyActionsOf, type CallerContext, type SessionSecret } from '@vouch/identity';
import type { z } from 'zod';
import { Access, Caller, type CallerRequest } from '../access/access.js';
import { originOf } from '../access/origin.js';
import { Operation } from '../openapi/operation.js';
import { Services } from '../services.js';

const view = (caller: CallerContext): SignedIn => {
  const { id, name, email, role, secondFactor } = caller;
  return {
    member: { id, name, email, role },
    secondFactor,
    actions: actionsOf(caller),
    keyActions: keyActionsOf(caller),
  };
};

@ApiTags('session')
@Controller('api/v1/session')
export class SessionController {
  constructor(@Inject(Services) private readonly services: Services) {}

  @Post()
  @HttpCode(200)
  @Access('public')
  @Operation({
    id: 'signIn',
    summary: 'Sign in; the session is a cookie that scripts cannot read',
    description: 'When the answer says so, the session must prove a second factor before it may do anything else.',
    answer: { schema: SignedIn },
    problems: [401],
  })
  async signIn(
    @Body({ schema: SignIn }) body: z.infer<typeof SignIn>,
    @Req() request: CallerRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SignedIn> {
    const session = await this.services.people.signIn.withPassword(body.email, body.password, originOf(request));
    return this.answer(request, reply, session);
  }

  @Post('second-factor')
  @HttpCode(200)
  @Access('half-signed-in')
  @Operation({
    id: 'proveSecondFactor',
    summary: 'The second step of signing in: a code of the app, or a recovery code',
    answer: { schema: SignedIn },
    problems: [403],
  })
  async secondFactor(
    @Body({ schema: SecondFactorProof }) body: SecondFactorProof,
    @Caller() caller: CallerContext,
    @Req() request: CallerRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SignedIn> {
    return this.answer(request, reply, await this.services.people.secondFactor.prove(caller, body));
  }

  @Post('step-up')
  @HttpCode(200)
  @Access('signed-in')
  @Operation({
    id: 'stepUp',
    summary: 'Prove again who you are, for ten minutes of what asks for it',
    answer: { schema: SignedIn },
  })
  async stepUp(
    @Body({ schema: StepUpProof }) body: StepUpProof,
    @Caller() caller: CallerContext,
    @Req() request: CallerRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SignedIn> {
    const { password, code, recoveryCode } = body;
    const proof = recoveryCode === undefined ? (code === undefined ? undefined : { code }) : { recoveryCode };
    return this.answer(request, reply, await this.services.people.account.stepUp(caller, { password, code: proof }));
  }

  @Get()
  @Access('half-signed-in')
  @Operation({ id: 'getSession', summary: 'Who is signed in', answer: { schema: SignedIn } })
  read(@Caller() caller: CallerContext): SignedIn {
    return view(caller);
  }

  @Delete()
  @HttpCode(204)
  @Access('half-signed-in')
  @Operation({ id: 'signOut', summary: 'Sign out' })
  async signOut(@Caller() caller: CallerContext, @Res({ passthrough: true }) reply: FastifyReply): Promise<void> {
    if (caller.sessionId !== null) await this.services.people.sessions.end(caller, caller.sessionId);
    this.services.people.cookie.clear(reply);
    reply.header('clear-site-data', '"cache", "storage"');
  }

  private async answer(request: CallerRequest, reply: FastifyReply, session: SessionSecret): Promise<SignedIn> {
    const { cookie, sessions } = this.services.people;
    cookie.write(reply, session);
    const { correlationId } = request;
    const caller = await sessions.find(session.secret, { correlationId, from: originOf(request) });
    if (caller === null) throw new TypeError('A session that was just made cannot be found.');
    return view(caller);
  }
}
