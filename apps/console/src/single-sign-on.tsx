import type { SingleSignOnView } from '@vouch/contracts';
import { Badge } from './badge.js';
import { Field, Form } from './form.js';
import { programs } from './programs-api.js';
import { useLoaded } from './use-loaded.js';

/** Where a provider sends people back to; it wants to know that before there is anything to enter here. */
const CALLBACK_URL = new URL('/api/v1/single-sign-on/callback', location.origin).href;

/** The consultancy's own identity provider. */
export function SingleSignOn() {
  const { value: settings, error, reload } = useLoaded(programs.singleSignOn);
  return (
    <section className="card wide">
      <h2>
        Single sign-on{' '}
        <Badge tone={settings === null ? 'quiet' : 'good'}>
          {settings === null ? 'not set up' : settings.required ? 'required' : 'offered'}
        </Badge>
      </h2>
      <p>
        Members of the consultancy sign in with your identity provider (OpenID Connect). Owners can always use their
        password.
      </p>
      {error !== '' && <p role="alert">{error}</p>}
      {settings !== null && <Addresses settings={settings} />}
      <details>
        <summary>{settings === null ? 'Set it up' : 'Change it'}</summary>
        {settings === null && (
          <p>
            Register Vouch at your provider first, as a web application with the redirect URI{' '}
            <code>{CALLBACK_URL}</code>. It gives you what is asked for here.
          </p>
        )}
        <Form
          label="Save"
          done="Saved."
          onSubmit={async ({ issuer = '', clientId = '', clientSecret = '', required = '' }) =>
            programs
              .configureSingleSignOn(
                { issuer, clientId, clientSecret, required: required === 'yes' },
                settings?.version,
              )
              .then(reload)
          }
        >
          <Field
            key={`issuer ${settings?.issuer}`}
            label="Issuer"
            name="issuer"
            type="url"
            value={settings?.issuer ?? ''}
          />
          <Field
            key={`client ${settings?.clientId}`}
            label="Client id"
            name="clientId"
            value={settings?.clientId ?? ''}
          />
          <Field label="Client secret" name="clientSecret" type="password" autoComplete="off" />
          <label>
            Members
            <select
              key={String(settings?.required)}
              name="required"
              defaultValue={settings?.required === true ? 'yes' : 'no'}
            >
              <option value="no">may sign in there, or with a password</option>
              <option value="yes">must sign in there</option>
            </select>
          </label>
        </Form>
        {settings !== null && (
          <Form
            label="Switch it off"
            plain
            onSubmit={async () => {
              if (window.confirm('Switch single sign-on off? Members sign in with their passwords then.'))
                await programs.removeSingleSignOn().then(reload);
            }}
          />
        )}
      </details>
    </section>
  );
}

function Addresses({ settings }: { settings: SingleSignOnView }) {
  return (
    <dl className="addresses">
      <dt>Members sign in at</dt>
      <dd>
        <code>{settings.signInUrl}</code>
      </dd>
      <dt>Redirect URI, to be registered at the provider</dt>
      <dd>
        <code>{settings.callbackUrl}</code>
      </dd>
    </dl>
  );
}
