import { Body, Controller, Delete, Get, HttpCode, Inject, Post, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import type { CallerContext } from '@vouch/identity';
import { z } from 'zod';
import { Access, Caller, type CallerRequest } from '../access/access.js';
import { SESSION_COOKIE } from '../access/access.guard.js';
import { Services } from '../services.js';

const SignIn = z.object({ email: z.email().max(320), password: z.string().min(1).max(200) });

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
  @ApiOperation({ summary: 'Sign in; the session is a cookie that scripts cannot read' })
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
  @ApiOperation({ summary: 'Who is signed in' })
  read(@Caller() caller: CallerContext): { member: MemberView } {
    return view(caller);
  }

  @Delete()
  @HttpCode(204)
  @Access('signed-in')
  @ApiOperation({ summary: 'Sign out' })
  async signOut(@Req() request: CallerRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<void> {
    await this.services.sessions.signOut(request.cookies[SESSION_COOKIE] ?? '');
    reply.clearCookie(SESSION_COOKIE, { path: '/' });
    reply.header('clear-site-data', '"cache", "storage"');
  }
}
