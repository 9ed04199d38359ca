import { Body, Controller, Delete, HttpCode, Inject, Param, Post, Req, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { AddPasskey, PasskeyId, PasskeyOptions, PasskeyProof } from '@vouch/contracts';
import type { AuthenticationResponseJSON, CallerContext, RegistrationResponseJSON } from '@vouch/identity';
import type { z } from 'zod';
import { NotFound } from '../access/access.errors.js';
import { Access, Caller, type CallerRequest } from '../access/access.js';
import { originOf } from '../access/origin.js';
import { Operation } from '../openapi/operation.js';
import { Services } from '../services.js';

type Options = z.infer<typeof PasskeyOptions>;

@ApiTags('account')
@Controller('api/v1')
export class PasskeysController {
  constructor(@Inject(Services) private readonly services: Services) {}

  @Post('session/passkey/options')
  @HttpCode(200)
  @Access('public')
  @Operation({
    id: 'beginPasskeySignIn',
    summary: 'What the browser needs to sign in with a passkey',
    answer: { schema: PasskeyOptions },
  })
  async beginToSignIn(): Promise<Options> {
    return { ...(await this.services.people.passkeys.beginToSignIn()) };
  }

  @Post('session/passkey')
  @HttpCode(204)
  @Access('public')
  @Operation({
    id: 'signInWithPasskey',
    summary: 'Sign in with a passkey; that is two factors in one',
    problems: [401, 403],
  })
  async signIn(
    @Body({ schema: PasskeyProof }) body: z.infer<typeof PasskeyProof>,
    @Req() request: CallerRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    const { passkeys, cookie } = this.services.people;
    cookie.write(reply, await passkeys.signIn(body as unknown as AuthenticationResponseJSON, originOf(request)));
  }

  @Post('account/passkeys/proof/options')
  @HttpCode(200)
  @Access('half-signed-in')
  @Operation({
    id: 'beginPasskeyProof',
    summary: 'What the browser needs for the second step of signing in, or to step up, with a passkey',
    answer: { schema: PasskeyOptions },
  })
  async beginToProve(@Caller() caller: CallerContext): Promise<Options> {
    return { ...(await this.services.people.passkeys.beginToProve(caller)) };
  }

  @Post('account/passkeys/proof')
  @HttpCode(204)
  @Access('half-signed-in')
  @Operation({ id: 'provePasskey', summary: 'The second step of signing in, or a step-up, with a passkey' })
  async prove(
    @Body({ schema: PasskeyProof }) body: z.infer<typeof PasskeyProof>,
    @Caller() caller: CallerContext,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    const { passkeys, cookie } = this.services.people;
    cookie.write(reply, await passkeys.prove(caller, body as unknown as AuthenticationResponseJSON));
  }

  @Post('account/passkeys/options')
  @HttpCode(200)
  @Access('factor-change')
  @Operation({
    id: 'beginToAddPasskey',
    summary: 'What the browser needs to make a passkey',
    answer: { schema: PasskeyOptions },
  })
  async beginToAdd(@Caller() caller: CallerContext): Promise<Options> {
    return { ...(await this.services.people.passkeys.beginToAdd(caller)) };
  }

  @Post('account/passkeys')
  @HttpCode(204)
  @Access('factor-change')
  @Operation({ id: 'addPasskey', summary: 'Keep a passkey that the browser made' })
  async add(
    @Body({ schema: AddPasskey }) body: z.infer<typeof AddPasskey>,
    @Caller() caller: CallerContext,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    const { passkeys, cookie } = this.services.people;
    const response = body.credential as unknown as RegistrationResponseJSON;
    cookie.write(reply, await passkeys.add(caller, body.name, response));
  }

  @Delete('account/passkeys/:id')
  @HttpCode(204)
  @Access('stepped-up')
  @Operation({ id: 'removePasskey', summary: 'Forget a passkey' })
  async remove(@Param('id', { schema: PasskeyId }) id: string, @Caller() caller: CallerContext): Promise<void> {
    if (!(await this.services.people.passkeys.remove(caller, id))) throw new NotFound('passkey');
  }
}
