import type { Overview } from '@vouch/contracts';
import { Badge } from './badge.js';
import { time } from './format.js';
import type { Connection } from './use-overview.js';

const CONNECTIONS = {
  connecting: { label: 'connecting…', tone: 'quiet' },
  live: { label: 'live', tone: 'good' },
  reconnecting: { label: 'reconnecting…', tone: 'warn' },
} as const;

export function Header({
  overview,
  connection,
  onSignOut,
}: {
  overview: Overview;
  connection: Connection;
  onSignOut: () => void;
}) {
  return (
    <header className="top">
      <h1>
        <img src="/vouch.svg" alt="" width="24" height="24" /> Vouch
      </h1>
      <span className="msp">{overview.msp}</span>
      <span className="spacer" />
      <span role="status">
        <Badge tone={CONNECTIONS[connection].tone}>{CONNECTIONS[connection].label}</Badge>
      </span>
      <nav aria-label="Pages">
        <a href="#/">Patches</a>
        {overview.member.actions.includes('member:read') && <a href="#/members">Members</a>}
        <a href="#/account" className="member" title="Your account" aria-label={`Account of ${overview.member.name}`}>
          {overview.member.name}
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
