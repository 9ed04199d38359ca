import { idOf } from '@vouch/platform';

/** The demo's consultancy and its three customers. Names are made up; nobody is meant. */
export const msp = { id: idOf('demo', 'msp'), name: 'Demo IT Consulting' };

export interface DemoDevice {
  readonly name: string;
  /** 0 is low impact: it gets a patch first. */
  readonly ring: number;
}

export interface DemoTenant {
  readonly id: string;
  readonly name: string;
  readonly slug: string;
  readonly devices: readonly DemoDevice[];
}

const tenant = (slug: string, name: string): DemoTenant => ({
  id: idOf('demo', 'tenant', slug),
  name,
  slug,
  devices: [
    { name: `${slug}-standby`, ring: 0 },
    { name: `${slug}-shop`, ring: 1 },
  ],
});

export const tenants: readonly DemoTenant[] = [
  tenant('bakery', 'Demo Bakery'),
  tenant('dentist', 'Demo Dental Practice'),
  tenant('joinery', 'Demo Joinery'),
];

export const technicianEmail = 'technician@demo.example';
/** The consultancy's owner, who also runs the demo. */
export const mspOwnerEmail = 'owner@demo.example';
export const ownerEmail = ({ slug }: DemoTenant): string => `owner@${slug}.example`;
