import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Patch, Post, Query, Req, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import {
  AcceptInvitation,
  ChangeMember,
  Invitation,
  InvitationLink,
  InvitationPage,
  InvitationQuery,
  Member,
  MemberPage,
  MemberQuery,
  NewInvitation,
  OpenInvitation,
} from '@vouch/contracts';
import { actForMembers, scopeOf, type CallerContext } from '@vouch/identity';
import { z } from 'zod';
import { NotFound } from '../access/access.errors.js';
import { Access, Caller, type CallerRequest } from '../access/access.js';
import { originOf } from '../access/origin.js';
import type { Page } from '../listing/lists.js';
import { Operation } from '../openapi/operation.js';
import { Services } from '../services.js';
import { invitationListing, memberListing } from './people.listings.js';

@ApiTags('members')
@Controller('api/v1')
export class MembersController {
  constructor(@Inject(Services) private readonly services: Services) {}

  @Get('members')
  @Access({ may: 'member:read' })
  @Operation({
    id: 'listMembers',
    summary: 'People of your MSP and its tenants, or of your tenant',
    answer: { schema: MemberPage },
  })
  list(
    @Query({ schema: MemberQuery }) query: z.output<typeof MemberQuery>,
    @Caller() caller: CallerContext,
  ): Promise<Page<Member>> {
    return this.services.rest.lists.page(memberListing, scopeOf(caller), query, (tx) => actForMembers(tx, caller));
  }

  @Patch('members/:id')
  @Access({ may: 'member:manage' })
  @Operation({
    id: 'changeMember',
    summary: "Give a member another role; the member's sessions end",
    answer: { schema: Member },
  })
  async change(
    @Param('id', { schema: z.uuid() }) id: string,
    @Body({ schema: ChangeMember }) body: z.infer<typeof ChangeMember>,
    @Caller() caller: CallerContext,
  ): Promise<Member> {
    if (!(await this.services.people.members.changeRole(caller, id, body.role))) throw new NotFound('member');
    const changed = await this.services.rest.lists.one(memberListing, scopeOf(caller), id, (tx) =>
      actForMembers(tx, caller),
    );
    if (changed === null) throw new NotFound('member');
    return changed;
  }

  @Delete('members/:id')
  @HttpCode(204)
  @Access({ may: 'member:manage' })
  @Operation({ id: 'removeMember', summary: 'Remove a member; sessions and API keys end at once' })
  async remove(@Param('id', { schema: z.uuid() }) id: string, @Caller() caller: CallerContext): Promise<void> {
    if (!(await this.services.people.members.remove(caller, id))) throw new NotFound('member');
  }

  @Get('invitations')
  @Access({ may: 'member:read' })
  @Operation({ id: 'listInvitations', summary: 'Invitations, newest first', answer: { schema: InvitationPage } })
  invitations(
    @Query({ schema: InvitationQuery }) query: z.output<typeof InvitationQuery>,
    @Caller() caller: CallerContext,
  ): Promise<Page<Invitation>> {
    return this.services.rest.lists.page(invitationListing, scopeOf(caller), query, (tx) => actForMembers(tx, caller));
  }

  @Post('invitations')
  @Access({ may: 'member:manage' })
  @Operation({
    id: 'invite',
    summary: 'Invite somebody by mail, to your organisation or one of its tenants',
    answer: { schema: Invitation },
    problems: [404],
  })
  async invite(
    @Body({ schema: NewInvitation }) body: z.infer<typeof NewInvitation>,
    @Caller() caller: CallerContext,
  ): Promise<Invitation> {
    const id = await this.services.people.invitations.invite(caller, body);
    if (id === null) throw new NotFound('tenant');
    const made = await this.services.rest.lists.one(invitationListing, scopeOf(caller), id, (tx) =>
      actForMembers(tx, caller),
    );
    if (made === null) throw new TypeError('An invitation that was just made cannot be found.');
    return made;
  }

  @Delete('invitations/:id')
  @HttpCode(204)
  @Access({ may: 'member:manage' })
  @Operation({ id: 'revokeInvitation', summary: 'Take an invitation back' })
  async revoke(@Param('id', { schema: z.uuid() }) id: string, @Caller() caller: CallerContext): Promise<void> {
    if (!(await this.services.people.invitations.revoke(caller, id))) throw new NotFound('open invitation');
  }

  @Post('invitations/look')
  @HttpCode(200)
  @Access('public')
  @Operation({
    id: 'lookAtInvitation',
    summary: 'What an invitation is to',
    answer: { schema: OpenInvitation },
    problems: [403],
  })
  look(
    @Body({ schema: InvitationLink }) body: z.infer<typeof InvitationLink>,
  ): Promise<z.infer<typeof OpenInvitation>> {
    return this.services.people.invitations.look(body.secret) as Promise<z.infer<typeof OpenInvitation>>;
  }

  @Post('invitations/accept')
  @HttpCode(204)
  @Access('public')
  @Operation({
    id: 'acceptInvitation',
    summary: 'Join with a password of your own',
    description:
      'Signs in at once, unless the organisation wants its identity provider for that: then the answer says so and you have joined. A role that asks for a second factor asks for it next.',
    problems: [403, 409, 422],
  })
  async accept(
    @Body({ schema: AcceptInvitation }) body: z.infer<typeof AcceptInvitation>,
    @Req() request: CallerRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    const { invitations, sessions, cookie } = this.services.people;
    const { secret, ...who } = body;
    const id = await invitations.accept(secret, who, originOf(request));
    cookie.write(reply, await sessions.begin(id, { method: 'password', secondFactor: false }, originOf(request)));
  }
}
