import { adoptPolicy, DEFAULT_POLICY, registerPolicy } from '@vouch/approval';
import {
  registerCodes,
  registerLabRunnerCredential,
  registerMember,
  registerMsp,
  registerTenant,
} from '@vouch/identity';
import { Database, idOf, loadConfig, runProcess, SealedBox, shared } from '@vouch/platform';
import { msp, mspOwnerEmail, ownerEmail, technicianEmail, tenants } from './organisation.js';
import { seedSettings } from './settings.js';

/** Makes the demo's organisation, as often as it is run: once. */
await runProcess(async () => {
  const config = loadConfig(seedSettings);
  const database = await Database.connect(config.VOUCH_DATABASE_PLATFORM_URL, {
    applicationName: 'vouch-seed',
    job: 'seed',
  });
  const policy = {
    id: idOf('demo', 'policy'),
    mspId: msp.id,
    name: DEFAULT_POLICY.name,
    // Nobody watches a demo for a day.
    rules: { ...DEFAULT_POLICY.rules, soakSeconds: 2 },
  };
  const password = config.VOUCH_DEMO_PASSWORD;
  await database.transaction(shared, async (tx) => {
    const now = new Date();
    await registerLabRunnerCredential(tx, config.VOUCH_LAB_NAME, config.VOUCH_LAB_TOKEN, now);
    await registerMsp(tx, msp);
    await registerPolicy(tx, policy, now);
    for (const [email, name, role] of [
      [technicianEmail, 'Demo technician', 'technician'],
      [mspOwnerEmail, 'Demo consultant', 'msp-owner'],
    ] as const) {
      const id = idOf('demo', 'member', email);
      await registerMember(tx, { id, mspId: msp.id, tenantId: null, email, name, role, password });
      await registerCodes(tx, new SealedBox(config.VOUCH_SECRETS_KEY), id, config.VOUCH_DEMO_CODE_SECRET, now);
    }
    for (const tenant of tenants) {
      const email = ownerEmail(tenant);
      await registerTenant(tx, { id: tenant.id, mspId: msp.id, name: tenant.name });
      await registerMember(tx, {
        id: idOf('demo', 'member', email),
        mspId: msp.id,
        tenantId: tenant.id,
        email,
        name: `Owner of ${tenant.name}`,
        role: 'tenant-owner',
        password,
      });
      await adoptPolicy(tx, tenant.id, policy.id, now);
    }
  });
  await database.close();
});
