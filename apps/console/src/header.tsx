import type { Overview } from '@vouch/contracts';
import { Badge } from './badge.js';
import { time } from './format.js';
import type { Connection } from './use-overview.js';

const CONNECTIONS = {
  connecting: { label: 'connecting…', tone: 'quiet' },
  live: { label: 'live', tone: 'good' },
  reconnecting: { label: 'reconnecting…', tone: 'warn' },
} as const;

/** Pages, and what one must be allowed to do to find something there. */
const PAGES = [
  { place: 'lab', title: 'Lab', needs: ['lab-queue:read'] },
  { place: 'policies', title: 'Policies', needs: ['policy:read'] },
  { place: 'members', title: 'Members', needs: ['member:read'] },
  { place: 'programs', title: 'Programs', needs: ['api-key:read', 'webhook:read', 'single-sign-on:read'] },
  { place: 'audit', title: 'Audit', needs: ['audit:read'] },
];

interface Props {
  readonly organisation: string;
  readonly member: { readonly name: string; readonly actions: readonly string[] };
  /** What the first page is called. */
  readonly first: string;
  /** Null for a page that does not follow what happens. */
  readonly connection: Connection | null;
  readonly onSignOut: () => void;
}

export function Header({ organisation, member, first, connection, onSignOut }: Props) {
  const shown = PAGES.filter(({ needs }) => needs.some((action) => member.actions.includes(action)));
  return (
    <header className="top">
      <h1>
        <img src="/vouch.svg" alt="" width="24" height="24" /> Vouch
      </h1>
      <span className="msp">{organisation}</span>
      <span className="spacer" />
      {connection !== null && (
        <span role="status">
          <Badge tone={CONNECTIONS[connection].tone}>{CONNECTIONS[connection].label}</Badge>
        </span>
      )}
      <nav aria-label="Pages">
        <a href="#/">{first}</a>
        {shown.map(({ place, title }) => (
          <a key={place} href={`#/${place}`}>
            {title}
          </a>
        ))}
        <a href="#/account" className="member" title="Your account" aria-label={`Account of ${member.name}`}>
          {member.name}
        </a>
      </nav>
      <button className="plain" onClick={onSignOut}>
        Sign out
      </button>
    </header>
  );
}

/** Where patches come from and where they are tested, in one quiet line; and in sentences, what needs a person. */
export function Surroundings({ overview, error }: { overview: Overview; error: string }) {
  const problems = error === '' ? overview.problems : [error, ...overview.problems];
  return (
    <section aria-label="State of the service">
      {problems.length > 0 && (
        <ul className="problems" role="alert">
          {problems.map((problem) => (
            <li key={problem}>{problem}</li>
          ))}
        </ul>
      )}
      {overview.billingIsStandIn && (
        <p className="stand-in">
          Billing goes to a stand-in for Stripe on this server: invoices are real in form, and no money moves.
        </p>
      )}
      <ul className="surroundings">
        {overview.sources.map((source) => (
          <li key={source.id}>
            <Badge tone={source.state === 'ok' ? 'good' : source.state === 'new' ? 'quiet' : 'bad'}>
              {source.state === 'ok' ? 'verified' : source.state}
            </Badge>{' '}
            {source.title}{' '}
            <small>{source.lastVerifiedAt === null ? 'not read yet' : time(source.lastVerifiedAt)}</small>
          </li>
        ))}
        {overview.goldens.map((golden) => (
          <li key={golden.profile}>
            <Badge tone={golden.state === 'ready' ? 'good' : golden.state === 'failed' ? 'bad' : 'busy'}>
              {golden.state === 'building' ? 'being built' : golden.state}
            </Badge>{' '}
            Lab: {golden.profile} <small>{golden.packages > 0 ? `${golden.packages} packages` : ''}</small>
          </li>
        ))}
      </ul>
    </section>
  );
}
