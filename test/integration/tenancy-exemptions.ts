/** References between tables of tenants without tenant_id on both sides, and why they can leak nothing: none. */
export const REFERENCES_WITHOUT_TENANT: Readonly<Record<string, string>> = {};

/** Functions that do more than their caller may, and why. Add a function here together with its reason. */
export const DEFINER_FUNCTIONS: Readonly<Record<string, string>> = {
  identity_find_member: 'who signs in is looked up before a tenant is known; answers for one address',
  identity_find_session: 'whose session this is, is asked before a tenant is known; answers for one secret',
  identity_find_single_sign_on: 'where members of an MSP sign in is asked before they are known; answers for one MSP',
  identity_signs_in_elsewhere: 'how a member must sign in is asked before the session is; answers for that member',
  identity_find_subject: 'whom a provider vouches for is looked up within its MSP; answers for one subject',
  identity_find_passkey: 'who holds a passkey is asked before a tenant is known; answers for one credential',
  identity_find_password_reset: 'whose link this is, is asked before a tenant is known; answers for one secret',
  identity_find_invitation: 'what a link invites to, is asked by somebody who is no member yet; answers for one secret',
  identity_knows_address: 'how fast an account may be guessed at is decided before sign-in; one account, one address',
  identity_end_sessions: 'whoever is removed is signed out by somebody else; ends sessions and tells nothing',
  identity_find_api_key: 'whose key this is, is asked before a tenant is known; answers for one secret',
  approval_change_policy: 'the one way in which the API changes rules: of the MSP that the transaction acts for',
  identity_note_api_key_use: 'last uses of many keys are noted at once; writes nothing but times',
  platform_audit_of_organisation: 'entries of no tenant about the organisation that the transaction acts for',
  app_reads_all_audit: 'the operator reads every chain; says only whether the one who is named runs the installation',
  identity_msp_of_member:
    'whose chain notes what a member does to their account; answers for one member, with an MSP only',
  platform_record_job: 'a trigger that writes what a job did, where no role may write',
};

/** Tables that the API has no business writing, and why. */
export const NEVER_WRITTEN_BY_THE_API: Readonly<Record<string, string>> = {
  lab_verdict: 'verdicts are judged and signed in the worker',
  lab_tested_golden: 'what a golden consists of is kept when a run is queued for it',
  lab_test_run_artefact: 'what is tested is fixed when the run is queued',
  catalog_source: 'intake',
  catalog_snapshot: 'intake',
  catalog_patch: 'intake',
  catalog_revision: 'intake',
  catalog_artefact: 'intake',
  catalog_artefact_file: 'intake',
  planning_cohort: 'demand is computed in the worker',
  planning_demand: 'demand is computed in the worker',
  planning_environment: 'environments are chosen in the worker',
  fleet_need: 'needs are computed in the worker',
  approval_policy: 'policies',
  approval_policy_version: 'policies',
  approval_tenant_policy: 'policies',
  approval_channel: 'channel versions and manifests are made and signed in the worker',
  approval_decision: 'decisions',
  approval_approval: 'approvals',
  rollout_ring: 'rings are opened in the worker',
  billing_cost_entry: 'metering',
  billing_statement: 'statements',
  billing_share: 'shares',
  billing_customer: 'customers',
  platform_audit_checkpoint: 'checkpoints are signed in the worker',
  platform_migration: 'the owner',
};
