import { useState } from 'react';
import type { Overview, PatchView } from '@vouch/contracts';
import { AccountPage } from './account-page.js';
import { AuditTrailPage } from './audit-page.js';
import { api } from './api.js';
import { Badge } from './badge.js';
import { EvidencePanel } from './evidence-panel.js';
import { Header, Surroundings } from './header.js';
import { Invitation, NewPassword } from './join-page.js';
import { MembersPage } from './members-page.js';
import { MoneyPanel } from './money-panel.js';
import { OperatorApp } from './operator-app.js';
import { OrdersPanel } from './orders-panel.js';
import { PatchList } from './patch-list.js';
import { PoliciesPage } from './policies-page.js';
import { ProgramsPage } from './programs-page.js';
import { RunSteps } from './run-steps.js';
import { SignIn } from './sign-in.js';
import { StepUp } from './step-up.js';
import { TenantsPanel } from './tenants-panel.js';
import { useOverview } from './use-overview.js';
import { usePlace } from './use-place.js';
import { VerdictPanel } from './verdict-panel.js';
import { stages } from './words.js';

export function App() {
  const { overview, signedOut, elsewhere, connection, error, reload } = useOverview();
  const [chosen, setChosen] = useState<string | null>(null);
  const [page, secret = ''] = usePlace();
  const begin = (): void => {
    window.location.hash = '';
    reload();
  };
  if (page === 'invitation') return <Invitation secret={secret} onDone={begin} />;
  if (page === 'new-password') return <NewPassword secret={secret} onDone={begin} />;
  if (signedOut) return <SignIn onDone={reload} />;
  const signOut = (): void => void api.signOut().finally(begin);
  if (elsewhere) return <OperatorApp page={page} onSignOut={signOut} />;
  if (overview === null) return <p className="loading">{error === '' ? 'Loading…' : error}</p>;
  const patch = overview.patches.find((p) => p.revisionId === chosen) ?? mostInteresting(overview);
  return (
    <>
      <Header
        organisation={overview.msp}
        member={overview.member}
        first="Patches"
        connection={connection}
        onSignOut={signOut}
      />
      <StepUp />
      <main className="page">
        {page === 'account' ? (
          <AccountPage />
        ) : page === 'members' ? (
          <MembersPage
            tenants={overview.tenants}
            ofMsp={!overview.member.role.startsWith('tenant-')}
            manages={overview.member.actions.includes('member:manage')}
          />
        ) : page === 'policies' ? (
          <PoliciesPage mayChange={overview.member.actions.includes('policy:change')} />
        ) : page === 'programs' ? (
          <ProgramsPage tenants={overview.tenants} actions={overview.member.actions} />
        ) : page === 'audit' ? (
          <AuditTrailPage tenants={overview.tenants} members={overview.member.actions.includes('member:read')} />
        ) : (
          <>
            <Surroundings overview={overview} error={error} />
            <div className="layout">
              <PatchList patches={overview.patches} selected={patch?.revisionId ?? null} onSelect={setChosen} />
              <div className="content">
                {patch !== null && <PatchPanel patch={patch} actions={overview.member.actions} />}
                <TenantsPanel
                  tenants={overview.tenants}
                  patch={patch}
                  actions={overview.member.actions}
                  onChange={reload}
                />
              </div>
            </div>
          </>
        )}
      </main>
    </>
  );
}

function PatchPanel({ patch, actions }: { patch: PatchView; actions: readonly string[] }) {
  return (
    <section aria-label={`Patch ${patch.patch}`}>
      <h2>
        {patch.patch} <span className="version">{patch.version}</span>{' '}
        <Badge tone={stages[patch.stage].tone}>{stages[patch.stage].label}</Badge>
      </h2>
      <p className="sentence">{patch.reason}</p>
      <div className="panels">
        {patch.run !== null && <RunSteps run={patch.run} />}
        <VerdictPanel patch={patch} />
        <OrdersPanel patch={patch} actions={actions} />
        <MoneyPanel patch={patch} />
        {patch.run !== null && <EvidencePanel runId={patch.run.id} finished={patch.verdict !== null} />}
      </div>
    </section>
  );
}

/** Until somebody chooses, the page follows what happens: what is tested, else what rolls out, else the first. */
function mostInteresting(overview: Overview): PatchView | null {
  const order: PatchView['stage'][] = ['rolling-out', 'testing', 'passed', 'installed', 'failed', 'held'];
  for (const stage of order) {
    const found = overview.patches.find((patch) => patch.stage === stage);
    if (found) return found;
  }
  return overview.patches[0] ?? null;
}
