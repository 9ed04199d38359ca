import { AccountPage } from './account-page.js';
import { api } from './api.js';
import { AuditTrailPage } from './audit-page.js';
import { Field, Form } from './form.js';
import { Header } from './header.js';
import { LabPage } from './lab-page.js';
import { StepUp } from './step-up.js';
import { useLoaded } from './use-loaded.js';

/** The console of who runs the installation: no customer's patches, machines or money. */
export function OperatorApp({ page, onSignOut }: { page: string | undefined; onSignOut: () => void }) {
  const { value: session, error } = useLoaded(api.session);
  if (session === null) return <p className="loading">{error === '' ? 'Loading…' : error}</p>;
  const member = { name: session.member.name, actions: session.actions };
  return (
    <>
      <Header organisation="Operator" member={member} first="Organisations" connection={null} onSignOut={onSignOut} />
      <StepUp />
      <main className="page">
        {page === 'account' ? (
          <AccountPage />
        ) : page === 'lab' ? (
          <LabPage mayCancel={session.actions.includes('run:cancel')} />
        ) : page === 'audit' ? (
          <AuditTrailPage tenants={null} />
        ) : (
          session.actions.includes('msp:create') && <Organisations />
        )}
      </main>
    </>
  );
}

function Organisations() {
  return (
    <div className="account">
      <section className="card">
        <h2>New consultancy</h2>
        <p>It gets an account of its own. Its first owner is invited by mail, and invites the others.</p>
        <Form
          label="Make it and invite"
          done="Made. The invitation is on its way."
          onSubmit={async ({ name = '', email = '' }) => api.createMsp(name, email)}
        >
          <Field label="Name" name="name" />
          <Field label="E-mail of the first owner" name="email" type="email" />
        </Form>
      </section>
    </div>
  );
}
