import { Body, Controller, Delete, Get, HttpCode, Inject, Post, Req, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { SignedIn, SignIn } from '@vouch/contracts';
import type { CallerContext } from '@vouch/identity';
import type { z } from 'zod';
import { Access, Caller, type CallerRequest } from '../access/access.js';
import { SESSION_COOKIE } from '../access/access.guard.js';
import { Operation } from '../openapi/operation.js';
import { Services } from '../services.js';

interface MemberView {
  readonly name: string;
  readonly email: string;
  readonly role: string;
}
const view = ({ name, email, role }: CallerContext): { member: MemberView } => ({ member: { name, email, role } });

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
    answer: { schema: SignedIn },
    problems: [401],
  })
  async signIn(
    @Body({ schema: SignIn }) body: z.infer<typeof SignIn>,
    @Req() request: CallerRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<{ member: MemberView }> {
    const { secret, expiresAt } = await this.services.sessions.signIn(body.email, body.password);
    reply.setCookie(SESSION_COOKIE, secret, {
      path: '/',
      httpOnly: true,
      sameSite: 'strict',
      secure: this.services.config.VOUCH_PUBLIC_URL.startsWith('https:'),
      expires: expiresAt,
    });
    const member = await this.services.sessions.find(secret, {
      correlationId: request.correlationId,
      from: request.ip,
    });
    if (member === null) throw new TypeError('A session that was just made cannot be found.');
    return view(member);
  }

  @Get()
  @Access('signed-in')
  @Operation({ id: 'getSession', summary: 'Who is signed in', answer: { schema: SignedIn } })
  read(@Caller() caller: CallerContext): { member: MemberView } {
    return view(caller);
  }

  @Delete()
  @HttpCode(204)
  @Access('signed-in')
  @Operation({ id: 'signOut', summary: 'Sign out' })
  async signOut(@Req() request: CallerRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<void> {
    await this.services.sessions.signOut(request.cookies[SESSION_COOKIE] ?? '');
    reply.clearCookie(SESSION_COOKIE, { path: '/' });
    reply.header('clear-site-data', '"cache", "storage"');
  }
}
