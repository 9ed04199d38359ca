import type { PatchView, RunView, WebhookTopic } from '@vouch/contracts';

/** What each stage is called, and the tone that it is shown in. */
export const stages: Readonly<Record<PatchView['stage'], { readonly label: string; readonly tone: Tone }>> = {
  needed: { label: 'needed', tone: 'quiet' },
  fetching: { label: 'fetching', tone: 'busy' },
  'waiting-for-lab': { label: 'waits for the lab', tone: 'quiet' },
  testing: { label: 'testing', tone: 'busy' },
  passed: { label: 'passed', tone: 'good' },
  'rolling-out': { label: 'rolling out', tone: 'busy' },
  installed: { label: 'installed', tone: 'good' },
  failed: { label: 'failed the test', tone: 'bad' },
  inconclusive: { label: 'inconclusive', tone: 'warn' },
  held: { label: 'held', tone: 'bad' },
};

/** What roles are called. */
export const roles: Readonly<Record<string, string>> = {
  operator: 'operator',
  'msp-owner': 'owner of the consultancy',
  technician: 'technician',
  'msp-reader': 'reader of the consultancy',
  'tenant-owner': 'owner',
  'tenant-viewer': 'viewer',
};

export type Tone = 'quiet' | 'busy' | 'good' | 'warn' | 'bad';

export const steps: Readonly<Record<RunView['steps'][number]['step'], string>> = {
  restore: 'Restore a clean machine',
  baseline: 'Check it before the patch',
  apply: 'Install exactly these files',
  'probe-after-apply': 'Check it after the patch',
  reboot: 'Restart it',
  'probe-after-reboot': 'Check it after the restart',
  'way-back': 'Take the patch back',
  'probe-after-way-back': 'Check it after the way back',
  collect: 'Collect the evidence',
};

export const verdicts = {
  pass: { label: 'Passed', tone: 'good' },
  fail: { label: 'Failed', tone: 'bad' },
  inconclusive: { label: 'Inconclusive', tone: 'warn' },
} as const;

/** What happened, as those who are told about it call it. */
export const events: Readonly<Record<WebhookTopic, string>> = {
  'fleet.device-enrolled': 'a machine has joined',
  'fleet.device-revoked': 'a machine was revoked',
  'lab.verdict-issued': 'a patch was tested',
  'approval.decided': 'a patch was approved or held',
  'rollout.ring-changed': 'a rollout went on or stopped',
  'rollout.outcome-reported': 'a machine has installed a patch, or could not',
  'billing.cost-metered': 'a test was charged',
  'billing.statement-closed': 'an invoice was made',
  'billing.statement-changed': 'an invoice has changed',
};
