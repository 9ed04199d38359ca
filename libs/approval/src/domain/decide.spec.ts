import type { PolicyRules } from '@vouch/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide, type OpenOrders, type RevisionFacts, type VerdictFacts } from './decide.js';

const now = new Date('2026-01-02T00:00:00Z');
const rules: PolicyRules = {
  minimumCoverage: 0.6,
  acceptReducedFidelity: false,
  delayMinutes: 0,
  rings: 2,
  soakSeconds: 0,
};
const verdict: VerdictFacts = {
  result: 'pass',
  sentence: 'It passed.',
  fidelity: 'full',
  expiresAt: new Date('2026-02-01T00:00:00Z'),
  reversible: true,
  coverage: { score: 0.9, notCovered: [] },
};
const revision: RevisionFacts = { state: 'offered', reason: '', sourceState: 'ok', sourceReason: '' };

const facts = fc.record({
  result: fc.constantFrom('pass' as const, 'fail' as const, 'inconclusive' as const),
  sentence: fc.constant('.'),
  fidelity: fc.constantFrom('full' as const, 'reduced' as const),
  expiresAt: fc.date({ min: new Date('2025-12-01'), max: new Date('2026-03-01'), noInvalidDate: true }),
  reversible: fc.constantFrom(true, false, null),
  coverage: fc.record({ score: fc.double({ min: 0, max: 1, noNaN: true }), notCovered: fc.constant([]) }),
});
const revisions = fc.record({
  state: fc.constantFrom('offered' as const, 'replaced' as const, 'vanished' as const, 'suspect' as const),
  reason: fc.constant(''),
  sourceState: fc.constantFrom(
    'new' as const,
    'ok' as const,
    'stale' as const,
    'unverified' as const,
    'unreachable' as const,
  ),
  sourceReason: fc.constant(''),
});
const order = { name: 'Root', why: 'because' };

describe('decide', () => {
  it.each<[string, Partial<VerdictFacts> | null, Partial<RevisionFacts>, Partial<PolicyRules>, string]>([
    ['a pass that covers', {}, {}, {}, 'approved'],
    ['no verdict', null, {}, {}, 'waiting'],
    ['a fail', { result: 'fail' }, {}, {}, 'refused'],
    ['an inconclusive run', { result: 'inconclusive' }, {}, {}, 'waiting'],
    ['an expired verdict', { expiresAt: now }, {}, {}, 'waiting'],
    ['low coverage', { coverage: { score: 0.59, notCovered: [] } }, {}, {}, 'waiting'],
    ['reduced fidelity', { fidelity: 'reduced' }, {}, {}, 'waiting'],
    ['reduced fidelity, accepted', { fidelity: 'reduced' }, {}, { acceptReducedFidelity: true }, 'approved'],
    ['a pass that cannot be taken back', { reversible: false }, {}, {}, 'approved'],
    ['a pass that has to be reversible', { reversible: false }, {}, { acceptIrreversible: false }, 'waiting'],
    ['a way back that was not tested', { reversible: null }, {}, { acceptIrreversible: false }, 'approved'],
    ['a stale source', {}, { sourceState: 'stale' }, {}, 'waiting'],
    ['an unverified source', {}, { sourceState: 'unverified' }, {}, 'waiting'],
    ['replaced bytes', {}, { state: 'replaced' }, {}, 'refused'],
    ['a withdrawn patch', {}, { state: 'vanished' }, {}, 'refused'],
    ['bytes that were not what the index said', {}, { state: 'suspect', reason: 'Digest.' }, {}, 'refused'],
  ])('%s', (_name, v, r, p, outcome) => {
    const decision = decide({ ...rules, ...p }, v === null ? null : { ...verdict, ...v }, { ...revision, ...r }, now);
    expect(decision.outcome).toBe(outcome);
    expect(decision.reason).not.toBe('');
  });

  it('I7: approves only a fresh pass, near enough, of bytes that a trusted source still offers', () => {
    fc.assert(
      fc.property(fc.option(facts), revisions, (v, r) => {
        if (decide(rules, v, r, now).outcome !== 'approved') return;
        expect(v?.result).toBe('pass');
        expect(v?.expiresAt.getTime()).toBeGreaterThan(now.getTime());
        expect(v?.coverage.score).toBeGreaterThanOrEqual(rules.minimumCoverage);
        expect(r.state).toBe('offered');
        expect(['stale', 'unverified']).not.toContain(r.sourceState);
      }),
    );
  });

  it.each<[string, Partial<VerdictFacts>, Partial<RevisionFacts>, OpenOrders, string, RegExp]>([
    ['a hold stops what passed', {}, {}, { hold: order }, 'waiting', /^Held by Root: because$/],
    ['a hold outweighs a waiver', { result: 'fail' }, {}, { hold: order, waiver: order }, 'waiting', /^Held/],
    ['a waived failure', { result: 'fail' }, {}, { waiver: order }, 'approved', /all the same: because \(It passed/],
    ['a waived doubt', { result: 'inconclusive' }, {}, { waiver: order }, 'approved', /Root/],
    ['a waived distance', { coverage: { score: 0.1, notCovered: [] } }, {}, { waiver: order }, 'approved', /only 10 %/],
    ['a waiver that nothing needs', {}, {}, { waiver: order }, 'approved', /^It passed\.$/],
    [
      'a waiver of a verdict that is too old',
      { result: 'fail', expiresAt: now },
      {},
      { waiver: order },
      'refused',
      /./,
    ],
    ['a waiver for other bytes', { result: 'fail' }, { state: 'replaced' }, { waiver: order }, 'refused', /no longer/],
    ['a waiver while the source is stale', {}, { sourceState: 'stale' }, { waiver: order }, 'waiting', /trusted/],
  ])('%s', (_name, v, r, orders, outcome, reason) => {
    const decision = decide(rules, { ...verdict, ...v }, { ...revision, ...r }, now, orders);
    expect(decision.outcome).toBe(outcome);
    expect(decision.reason).toMatch(reason);
  });

  it('I7: a waiver never makes up for bytes, source or age; what is held is never approved; both say whose word it is', () => {
    fc.assert(
      fc.property(fc.option(facts), revisions, fc.boolean(), fc.boolean(), (v, r, held, waived) => {
        const orders = { ...(held ? { hold: order } : {}), ...(waived ? { waiver: order } : {}) };
        const decision = decide(rules, v, r, now, orders);
        const without = decide(rules, v, r, now);
        if (decision.outcome !== 'approved') return;
        expect(held).toBe(false);
        expect(v?.expiresAt.getTime()).toBeGreaterThan(now.getTime());
        expect(r.state).toBe('offered');
        expect(['stale', 'unverified']).not.toContain(r.sourceState);
        if (without.outcome !== 'approved') expect(decision.reason).toMatch(/^Approved by Root all the same: because/);
        else expect(decision).toEqual(without);
      }),
    );
  });
});
