import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Put, Req, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import {
  AccountView,
  AskForReset,
  ChangePassword,
  CodesSetUp,
  ConfirmCodes,
  OwnSessions,
  RecoveryCodes,
  ResetPassword,
} from '@vouch/contracts';
import type { CallerContext } from '@vouch/identity';
import { z } from 'zod';
import { NotFound } from '../access/access.errors.js';
import { Access, Caller, type CallerRequest } from '../access/access.js';
import { originOf } from '../access/origin.js';
import { Operation } from '../openapi/operation.js';
import { Services } from '../services.js';

@ApiTags('account')
@Controller('api/v1')
export class AccountController {
  constructor(@Inject(Services) private readonly services: Services) {}

  @Get('account')
  @Access('half-signed-in')
  @Operation({ id: 'getAccount', summary: 'Factors of your account, without secrets', answer: { schema: AccountView } })
  async read(@Caller() caller: CallerContext): Promise<AccountView> {
    const { secondFactor, passkeys } = this.services.people;
    return { ...(await secondFactor.standing(caller)), passkeys: await passkeys.list(caller) };
  }

  @Put('account/password')
  @HttpCode(204)
  @Access('signed-in')
  @Operation({ id: 'changePassword', summary: 'A new password; every other session of yours ends' })
  async changePassword(
    @Body({ schema: ChangePassword }) body: z.infer<typeof ChangePassword>,
    @Caller() caller: CallerContext,
  ): Promise<void> {
    await this.services.people.account.changePassword(caller, body.present, body.next);
  }

  @Post('password-reset')
  @HttpCode(202)
  @Access('public')
  @Operation({
    id: 'askForPasswordReset',
    summary: 'Ask for a link to choose a new password',
    description: 'The answer is the same whether the address has an account or not.',
  })
  async askForReset(
    @Body({ schema: AskForReset }) body: z.infer<typeof AskForReset>,
    @Req() request: CallerRequest,
  ): Promise<void> {
    await this.services.people.account.askForReset(body.email, originOf(request));
  }

  @Post('password-reset/confirm')
  @HttpCode(204)
  @Access('public')
  @Operation({
    id: 'resetPassword',
    summary: 'Choose a new password with the link from the mail',
    problems: [403, 422],
  })
  async reset(
    @Body({ schema: ResetPassword }) body: z.infer<typeof ResetPassword>,
    @Req() request: CallerRequest,
  ): Promise<void> {
    await this.services.people.account.reset(body.secret, body.password, originOf(request));
  }

  @Post('account/codes')
  @HttpCode(200)
  @Access('factor-change')
  @Operation({
    id: 'setUpCodes',
    summary: 'Begin to set up codes of an authenticator app',
    answer: { schema: CodesSetUp },
  })
  setUpCodes(@Caller() caller: CallerContext): Promise<z.infer<typeof CodesSetUp>> {
    return this.services.people.secondFactor.setUp(caller);
  }

  @Post('account/codes/confirm')
  @HttpCode(200)
  @Access('factor-change')
  @Operation({
    id: 'confirmCodes',
    summary: 'Finish with a first code; from now on sign-in asks for one, and your other sessions end',
    answer: { schema: RecoveryCodes },
  })
  async confirmCodes(
    @Body({ schema: ConfirmCodes }) body: z.infer<typeof ConfirmCodes>,
    @Caller() caller: CallerContext,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<z.infer<typeof RecoveryCodes>> {
    const { session, recoveryCodes } = await this.services.people.secondFactor.confirm(caller, body.code);
    this.services.people.cookie.write(reply, session);
    return { recoveryCodes };
  }

  @Delete('account/codes')
  @HttpCode(204)
  @Access('stepped-up')
  @Operation({ id: 'removeCodes', summary: 'Sign in without codes, if your role allows it' })
  async removeCodes(@Caller() caller: CallerContext): Promise<void> {
    await this.services.people.secondFactor.remove(caller);
  }

  @Post('account/recovery-codes')
  @HttpCode(200)
  @Access('stepped-up')
  @Operation({
    id: 'replaceRecoveryCodes',
    summary: 'New recovery codes; the old ones end',
    answer: { schema: RecoveryCodes },
  })
  async replaceRecoveryCodes(@Caller() caller: CallerContext): Promise<z.infer<typeof RecoveryCodes>> {
    return { recoveryCodes: await this.services.people.secondFactor.newRecoveryCodes(caller) };
  }

  @Get('account/sessions')
  @Access('signed-in')
  @Operation({ id: 'listOwnSessions', summary: 'Where you are signed in', answer: { schema: OwnSessions } })
  async sessions(@Caller() caller: CallerContext): Promise<OwnSessions> {
    const sessions = await this.services.people.sessions.list(caller);
    return {
      items: sessions.map(({ createdAt, lastSeenAt, expiresAt, ...session }) => ({
        ...session,
        current: session.id === caller.sessionId,
        createdAt: createdAt.toISOString(),
        lastSeenAt: lastSeenAt.toISOString(),
        expiresAt: expiresAt.toISOString(),
      })),
    };
  }

  @Delete('account/sessions')
  @HttpCode(204)
  @Access('signed-in')
  @Operation({ id: 'endOtherSessions', summary: 'Sign out everywhere else' })
  async endOtherSessions(@Caller() caller: CallerContext): Promise<void> {
    await this.services.people.sessions.endOthers(caller);
  }

  @Delete('account/sessions/:id')
  @HttpCode(204)
  @Access('signed-in')
  @Operation({ id: 'endSession', summary: 'Sign out in one place' })
  async endSession(@Param('id', { schema: z.uuid() }) id: string, @Caller() caller: CallerContext): Promise<void> {
    if (!(await this.services.people.sessions.end(caller, id))) throw new NotFound('session');
  }
}
