import { expect } from 'vitest';

/** Successful writes that leave no audit entry, and why. Every other one must. */
const NOT_AUDITED: Readonly<Record<string, string>> = {
  askForPasswordReset: 'a mail on its way changes nothing; the new password is noted when it is chosen',
  beginPasskeySignIn: 'makes a challenge, which proves and changes nothing',
  beginPasskeyProof: 'makes a challenge, which proves and changes nothing',
  beginToAddPasskey: 'makes a challenge, which proves and changes nothing',
  setUpCodes: 'a secret that counts for nothing before it is confirmed',
  reportFingerprint: 'what a machine is, not what somebody did; kept with its time',
  labHello: 'a lab-runner says that it is there',
  labGolden: 'a lab-runner says what it has built; verdicts name the golden that they rest on',
  labClaim: 'a run goes to the lab-runner that asked; the verdict is noted',
  labEvidence: 'bytes under their own digest, which the signed verdict names',
};
/** What changes a thing that is there says what it was and what it is. */
const CHANGES = ['changeMember', 'changePolicy', 'changeWebhookEndpoint', 'removeMember'];

/** A successful write, and the audit entries that it left. */
export interface Noted {
  readonly operationId: string;
  readonly entries: readonly {
    readonly seq: number;
    readonly actor: string;
    readonly subject: string;
    readonly from_address: string;
    readonly user_agent: string;
    readonly detail: Record<string, unknown>;
  }[];
}

/** Every successful write says who did what to which thing, from where and with what, and what it was before and after. */
export function expectAudited(written: readonly Noted[]): void {
  const without = written.filter(({ entries }) => entries.length === 0).map(({ operationId }) => operationId);
  expect(without.sort(), 'audit it, or list it with its reason').toEqual(Object.keys(NOT_AUDITED).sort());
  expect(written.length).toBeGreaterThan(30);
  for (const { operationId, entries } of written)
    for (const { actor, subject, from_address, user_agent, detail } of entries) {
      expect(actor, operationId).toMatch(/^(member|device|runner):\S+$/);
      expect(subject, operationId).toMatch(/^[a-z-]+:\S+$/);
      expect([from_address, user_agent], operationId).toEqual(['127.0.0.1', 'walk/1.0']);
      if (CHANGES.includes(operationId))
        expect(Object.keys(detail), operationId).toEqual(expect.arrayContaining(['before', 'after']));
    }
  expect(CHANGES.filter((id) => !written.some(({ operationId }) => operationId === id))).toEqual([]);
}
