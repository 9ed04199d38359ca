import { createHash } from 'node:crypto';
import type { Component, Profile } from '@vouch/contracts';
import canonicalize from 'canonicalize';
import { profileDigest } from '../../domain/profile.js';
import type { HostRelease } from '../host/host-release.js';
import { baseScript, componentsScript } from './build-scripts.js';

/** How a layer is named: by everything that its content follows from. */
export interface LayerPlan {
  readonly id: string;
  /** What makes it, over the layers below. */
  readonly script: string;
}

/** The bare system of a release, as its index is now. */
export function baseLayer(release: HostRelease): LayerPlan {
  const script = baseScript(release.source);
  return { id: `base-${release.stream}-${shortDigest([release.indexSha256], script)}`, script };
}

/** A profile's packages, settings and data over a system. */
export function profileLayer(profile: Profile, below: readonly string[]): LayerPlan {
  const script = componentsScript(profile);
  return { id: `${profile.name}-${shortDigest(below, script)}`, script };
}

/** Name of what is known of a golden: its layer, and the profile with its probes. */
export const recordName = (layer: string, profile: Profile, otherInit: readonly string[]): string =>
  `${layer}-${shortDigest([profileDigest(profile), ...otherInit])}.json`;

/** Content address: the profile, the layers that it was built from, and every installed component with its version. */
export function goldenDigest(
  profile: Profile,
  layers: readonly string[],
  components: readonly Component[],
  otherInit: readonly string[],
): string {
  const content = { profile: profileDigest(profile), layers, components };
  return createHash('sha256')
    .update(canonicalize({ ...content, ...(otherInit.length === 0 ? {} : { otherInit }) }) ?? '')
    .digest('hex');
}

const shortDigest = (...parts: readonly unknown[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
