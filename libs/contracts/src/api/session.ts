import { z } from 'zod';
import { Timestamp } from '../digest.js';
import { exampleIds as ids, PlainText } from './page.js';

const Password = z.string().min(1).max(200);
const AppCode = z
  .string()
  .regex(/^\d{6}$/, 'must be six digits')
  .meta({ description: 'The six digits that an authenticator app shows.' });
const RecoveryCode = z
  .string()
  .min(25)
  .max(40)
  .meta({ description: 'One of the codes that were shown when the second factor was set up; works once.' });
/** What a link sent by mail carries. */
export const LinkSecret = z.string().min(20).max(100);

export const SignIn = z.strictObject({ email: z.email().max(320), password: Password }).meta({
  id: 'SignIn',
  examples: [{ email: 'technician@consulting.example', password: 'correct horse battery staple' }],
});
export const SignedIn = z
  .object({
    member: z.object({ id: z.uuid(), name: z.string(), email: z.string(), role: z.string() }),
    secondFactor: z.enum(['done', 'needed', 'enrolment-needed']).meta({
      description: 'Until it is `done`, the session may do nothing but prove or set up a second factor.',
    }),
    actions: z.array(z.string()).meta({ description: 'What the member may do.' }),
    keyActions: z
      .array(z.string())
      .meta({ description: 'What an API key that the member makes can be allowed to do.' }),
  })
  .meta({
    id: 'SignedIn',
    examples: [
      {
        member: { id: ids.policy, name: 'Kim', email: 'technician@consulting.example', role: 'technician' },
        secondFactor: 'done',
        actions: ['overview:read', 'api-key:create'],
        keyActions: ['overview:read'],
      },
    ],
  });
export type SignedIn = z.infer<typeof SignedIn>;

export const SecondFactorProof = z
  .union([z.strictObject({ code: AppCode }), z.strictObject({ recoveryCode: RecoveryCode })])
  .meta({ id: 'SecondFactorProof', examples: [{ code: '492039' }] });
export type SecondFactorProof = z.infer<typeof SecondFactorProof>;

export const StepUpProof = z
  .strictObject({ password: Password.optional(), code: AppCode.optional(), recoveryCode: RecoveryCode.optional() })
  .meta({
    id: 'StepUpProof',
    description: 'Every factor that the account has: the password if it has one, a code if it has codes.',
    examples: [{ password: 'correct horse battery staple', code: '492039' }],
  });
export type StepUpProof = z.infer<typeof StepUpProof>;

export const ChangePassword = z.strictObject({ present: Password, next: Password }).meta({
  id: 'ChangePassword',
  examples: [{ present: 'correct horse battery staple', next: 'seven lamps under water' }],
});

export const AskForReset = z
  .strictObject({ email: z.email().max(320) })
  .meta({ id: 'AskForReset', examples: [{ email: 'technician@consulting.example' }] });
export const ResetPassword = z.strictObject({ secret: LinkSecret, password: Password }).meta({
  id: 'ResetPassword',
  examples: [{ secret: 'vp_2c9f0b6a8d7e4f1a5b3c', password: 'seven lamps under water' }],
});

export const CodesSetUp = z
  .object({
    secret: z.string().meta({ description: 'Base32, for apps that cannot read the QR code.' }),
    uri: z.string().meta({ description: 'What the QR code says: an otpauth URI.' }),
  })
  .meta({
    id: 'CodesSetUp',
    examples: [{ secret: 'JBSWY3DPEHPK3PXP', uri: 'otpauth://totp/Vouch:kim?secret=JBSWY3DPEHPK3PXP&issuer=Vouch' }],
  });
export const ConfirmCodes = z
  .strictObject({ code: AppCode })
  .meta({ id: 'ConfirmCodes', examples: [{ code: '492039' }] });
export const RecoveryCodes = z
  .object({ recoveryCodes: z.array(z.string()).meta({ description: 'Shown only here. Each works once.' }) })
  .meta({ id: 'RecoveryCodes', examples: [{ recoveryCodes: ['7MQ2F-K9TRA-XW3HN-PB6YD-84VJC'] }] });

export const Passkey = z
  .object({ id: z.string(), name: z.string(), createdAt: Timestamp, lastUsedAt: Timestamp.nullable() })
  .meta({
    id: 'Passkey',
    examples: [{ id: 'kJ8s', name: 'Laptop', createdAt: '2026-01-05T08:00:00.000Z', lastUsedAt: null }],
  });
export type Passkey = z.infer<typeof Passkey>;

export const AccountView = z
  .object({
    codes: z.boolean().meta({ description: 'Whether sign-in asks for codes of an authenticator app.' }),
    recoveryCodesLeft: z.int(),
    required: z.boolean().meta({ description: 'Whether the role asks for a second factor.' }),
    passkeys: z.array(Passkey),
  })
  .meta({ id: 'Account', examples: [{ codes: true, recoveryCodesLeft: 9, required: true, passkeys: [] }] });
export type AccountView = z.infer<typeof AccountView>;

export const OwnSession = z.object({
  id: z.uuid(),
  current: z.boolean().meta({ description: 'Whether it is the session that asks.' }),
  method: z.enum(['password', 'passkey', 'single-sign-on']),
  address: z.string(),
  userAgent: z.string(),
  createdAt: Timestamp,
  lastSeenAt: Timestamp.meta({ description: 'To about a minute.' }),
  expiresAt: Timestamp,
});
export const OwnSessions = z.object({ items: z.array(OwnSession) }).meta({
  id: 'OwnSessions',
  examples: [
    {
      items: [
        {
          id: ids.token,
          current: true,
          method: 'password' as const,
          address: '192.0.2.10',
          userAgent: 'Mozilla/5.0',
          createdAt: '2026-01-05T08:00:00.000Z',
          lastSeenAt: '2026-01-05T08:10:00.000Z',
          expiresAt: '2026-01-05T20:00:00.000Z',
        },
      ],
    },
  ],
});
export type OwnSessions = z.infer<typeof OwnSessions>;

export const PasskeyId = z.string().regex(/^[\w-]{1,400}$/);
/** Options of WebAuthn level 3 in their JSON form, as browsers take them. */
export const PasskeyOptions = z.record(z.string(), z.unknown()).meta({
  id: 'PasskeyOptions',
  examples: [{ challenge: 'p4Zk', rpId: 'vouch.example', userVerification: 'required' }],
});
const base64url = z.string().regex(/^[\w-]{1,20000}$/);
/** PublicKeyCredential.toJSON() of WebAuthn level 3. */
const credential = {
  id: PasskeyId,
  rawId: PasskeyId,
  type: z.literal('public-key'),
  authenticatorAttachment: z.string().max(40).nullish(),
  clientExtensionResults: z.record(z.string(), z.unknown()).default({}),
};
export const PasskeyProof = z
  .strictObject({
    ...credential,
    response: z.strictObject({
      clientDataJSON: base64url,
      authenticatorData: base64url,
      signature: base64url,
      userHandle: base64url.nullish(),
    }),
  })
  .meta({
    id: 'PasskeyProof',
    examples: [
      {
        id: 'kJ8s',
        rawId: 'kJ8s',
        type: 'public-key' as const,
        clientExtensionResults: {},
        response: { clientDataJSON: 'e30', authenticatorData: 'AA', signature: 'MEUC', userHandle: 'AA' },
      },
    ],
  });
export const AddPasskey = z
  .strictObject({
    name: PlainText.min(1).max(60),
    credential: z.strictObject({
      ...credential,
      response: z.strictObject({
        clientDataJSON: base64url,
        attestationObject: base64url,
        transports: z.array(z.string().max(40)).max(10).optional(),
        publicKeyAlgorithm: z.int().optional(),
        publicKey: base64url.optional(),
        authenticatorData: base64url.optional(),
      }),
    }),
  })
  .meta({
    id: 'AddPasskey',
    examples: [
      {
        name: 'Laptop',
        credential: {
          id: 'kJ8s',
          rawId: 'kJ8s',
          type: 'public-key' as const,
          clientExtensionResults: {},
          response: { clientDataJSON: 'e30', attestationObject: 'o2Nm' },
        },
      },
    ],
  });
