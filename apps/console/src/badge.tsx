import type { ReactNode } from 'react';
import type { Tone } from './words.js';

export function Badge({ tone, children }: { tone: Tone; children: ReactNode }) {
  return <span className={`badge ${tone}`}>{children}</span>;
}
