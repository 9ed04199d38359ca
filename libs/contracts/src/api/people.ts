import { z } from 'zod';
import { Timestamp } from '../digest.js';
import { exampleIds as ids, pageOf, pageParameters, PlainText } from './page.js';
import { LinkSecret } from './session.js';

const MemberRole = z.enum(['msp-owner', 'technician', 'msp-reader', 'tenant-owner', 'tenant-viewer']);

export const Member = z
  .object({
    id: z.uuid(),
    tenantId: z.uuid().nullable().meta({ description: 'Null for members of the MSP.' }),
    name: z.string(),
    email: z.string(),
    role: MemberRole,
    createdAt: Timestamp,
  })
  .meta({
    id: 'Member',
    examples: [
      {
        id: ids.policy,
        tenantId: null,
        name: 'Kim',
        email: 'technician@consulting.example',
        role: 'technician' as const,
        createdAt: '2026-01-05T08:00:00.000Z',
      },
    ],
  });
export type Member = z.infer<typeof Member>;
export const MemberPage = pageOf(Member, 'MemberPage');
export const MemberQuery = z.strictObject({ ...pageParameters, tenantId: z.uuid().optional() });
export const ChangeMember = z
  .strictObject({ role: MemberRole })
  .meta({ id: 'ChangeMember', examples: [{ role: 'msp-reader' }] });

export const Invitation = z
  .object({
    id: z.uuid(),
    tenantId: z.uuid().nullable(),
    email: z.string(),
    role: MemberRole,
    state: z.enum(['open', 'accepted', 'revoked', 'expired']),
    invitedBy: z.string(),
    createdAt: Timestamp,
    expiresAt: Timestamp,
  })
  .meta({
    id: 'Invitation',
    examples: [
      {
        id: ids.token,
        tenantId: ids.tenant,
        email: 'owner@bakery.example',
        role: 'tenant-owner' as const,
        state: 'open' as const,
        invitedBy: `member:${ids.policy}`,
        createdAt: '2026-01-05T08:00:00.000Z',
        expiresAt: '2026-01-12T08:00:00.000Z',
      },
    ],
  });
export type Invitation = z.infer<typeof Invitation>;
export const InvitationPage = pageOf(Invitation, 'InvitationPage');
export const InvitationQuery = z.strictObject({ ...pageParameters });
export const NewInvitation = z
  .strictObject({
    email: z.email().max(320),
    role: MemberRole,
    tenantId: z
      .uuid()
      .optional()
      .meta({ description: 'The tenant they are to belong to; left out: your own organisation.' }),
  })
  .meta({
    id: 'NewInvitation',
    examples: [{ email: 'owner@bakery.example', role: 'tenant-owner', tenantId: ids.tenant }],
  });

export const OpenInvitation = z.object({ email: z.string(), organisation: z.string(), role: MemberRole }).meta({
  id: 'OpenInvitation',
  examples: [{ email: 'owner@bakery.example', organisation: 'The bakery', role: 'tenant-owner' as const }],
});
export const InvitationLink = z
  .strictObject({ secret: LinkSecret })
  .meta({ id: 'InvitationLink', examples: [{ secret: 'vi_2c9f0b6a8d7e4f1a5b3c' }] });
export const AcceptInvitation = z
  .strictObject({ secret: LinkSecret, name: PlainText.min(1).max(100), password: z.string().min(1).max(200) })
  .meta({
    id: 'AcceptInvitation',
    examples: [{ secret: 'vi_2c9f0b6a8d7e4f1a5b3c', name: 'Kim', password: 'seven lamps under water' }],
  });

const provider = {
  issuer: z
    .url({ protocol: /^https?$/ })
    .max(500)
    .meta({ description: "The provider's issuer, as its discovery document says it." }),
  clientId: PlainText.min(1).max(300),
  required: z.boolean().meta({
    description: 'Whether members of your MSP must sign in there. Owners may always use their password.',
  }),
};
const providerExample = { issuer: 'https://login.consulting.example', clientId: 'vouch', required: false };
export const SingleSignOnSettings = z
  .strictObject({ ...provider, clientSecret: z.string().min(1).max(500) })
  .meta({ id: 'SingleSignOnSettings', examples: [{ ...providerExample, clientSecret: 'shown once by the provider' }] });
export type SingleSignOnSettings = z.infer<typeof SingleSignOnSettings>;
export const SingleSignOnView = z
  .object({
    ...provider,
    version: z.int().positive().meta({ description: 'Grows with each change; give it as `If-Match`.' }),
    callbackUrl: z.string().meta({ description: 'To be registered at the provider as redirect URI.' }),
    signInUrl: z.string().meta({ description: 'Where your members begin to sign in.' }),
  })
  .meta({
    id: 'SingleSignOn',
    examples: [
      {
        ...providerExample,
        version: 1,
        callbackUrl: 'https://vouch.example/api/v1/single-sign-on/callback',
        signInUrl: `https://vouch.example/api/v1/session/single-sign-on/${ids.policy}`,
      },
    ],
  });
export type SingleSignOnView = z.infer<typeof SingleSignOnView>;

export const NewMsp = z
  .strictObject({ name: PlainText.min(1).max(200), ownerEmail: z.email().max(320) })
  .meta({ id: 'NewMsp', examples: [{ name: 'Harbour IT', ownerEmail: 'owner@harbour.example' }] });
export const Msp = z
  .object({ id: z.uuid(), name: z.string(), createdAt: Timestamp })
  .meta({ id: 'Msp', examples: [{ id: ids.policy, name: 'Harbour IT', createdAt: '2026-01-10T12:00:00.000Z' }] });
export type Msp = z.infer<typeof Msp>;
export const MspPage = pageOf(Msp, 'MspPage');
export type MspPage = z.infer<typeof MspPage>;
export const MspQuery = z.strictObject(pageParameters);
export const NewTenant = z
  .strictObject({ name: PlainText.min(1).max(200) })
  .meta({ id: 'NewTenant', examples: [{ name: 'Corner Bakery' }] });
