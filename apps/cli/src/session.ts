import { VouchClient, type ItemOf, type ListPath } from '@vouch/client';
import type { Command } from 'commander';
import { loadCredentials } from './credentials.js';
import { EXIT, UsageProblem } from './exit-codes.js';
import { table, type Columns } from './output.js';

export interface GlobalOptions {
  readonly url?: string;
  readonly apiKey?: string;
  readonly credentials: string;
  readonly json?: boolean;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** What a command works with: the client, and how to say what it found. */
export class Session {
  private constructor(
    readonly client: VouchClient,
    private readonly asJson: boolean,
  ) {}

  /** @throws UsageProblem when nobody has signed in */
  static async open(command: Command): Promise<Session> {
    const options = command.optsWithGlobals<GlobalOptions>();
    const kept = await loadCredentials(options.credentials);
    const url = options.url ?? kept.url;
    const key = options.apiKey ?? kept.key;
    if (url === undefined || key === undefined)
      throw new UsageProblem('Run `vouch login` first, or set VOUCH_URL and VOUCH_API_KEY.', EXIT.notSignedIn);
    return new Session(new VouchClient({ url, key }), options.json === true);
  }

  get api(): VouchClient['api'] {
    return this.client.api;
  }

  /** Shows one thing: as JSON for scripts, or as people read it. */
  show(value: unknown, forPeople: string): void {
    process.stdout.write(`${this.asJson ? JSON.stringify(value, null, 2) : forPeople}\n`);
  }

  /** Shows a list as a table. */
  list<T>(items: readonly T[], columns: Columns<T>, none: string): void {
    this.show(items, items.length === 0 ? none : table(items, columns));
  }

  /** All items of a list, through all its pages. */
  async all<P extends ListPath>(...query: Parameters<typeof this.client.all<P>>): Promise<ItemOf<P>[]> {
    const items: ItemOf<P>[] = [];
    for await (const item of this.client.all<P>(...query)) items.push(item);
    return items;
  }

  /** @throws UsageProblem when no tenant is called so */
  async tenantId(nameOrId: string): Promise<string> {
    if (UUID.test(nameOrId)) return nameOrId;
    return only(await this.all('/api/v1/tenants', { name: nameOrId }), 'tenant', nameOrId);
  }

  /** @throws UsageProblem when no machine is called so, or several are */
  async deviceId(nameOrId: string): Promise<string> {
    if (UUID.test(nameOrId)) return nameOrId;
    return only(await this.all('/api/v1/devices', { name: nameOrId }), 'device', nameOrId);
  }
}

function only(found: readonly { readonly id: string }[], what: string, name: string): string {
  const [first, ...others] = found;
  if (first === undefined) throw new UsageProblem(`There is no ${what} called "${name}".`, EXIT.notFound);
  if (others.length > 0)
    throw new UsageProblem(
      `${found.length} ${what}s are called "${name}": give the id. ${found.map(({ id }) => id).join(', ')}`,
    );
  return first.id;
}
