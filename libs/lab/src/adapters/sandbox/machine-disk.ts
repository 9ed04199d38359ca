import type { StatsFs } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { mustRun } from '../host/run-command.js';
import { MACHINE } from './machine-scripts.js';

const LIMIT = { timeoutMs: 60_000 } as const;

/** What a machine writes to, seen from its host. */
export class MachineDisk {
  /**
   * @param holder process in whose mounts the disk is
   * @param isOwn a file system that nobody else writes to
   * @param inMounts the command that runs another one in those mounts
   */
  constructor(
    private readonly holder: number,
    private readonly isOwn: boolean,
    private readonly inMounts: (argv: readonly string[]) => string[],
  ) {}

  /** Everything that was written since the machine was first restored: path, kind (see find(1) `%y`), time and size. */
  async written(): Promise<Map<string, { kind: string; stamp: string }>> {
    const find = ['find', `${MACHINE.upper}/files`, '-mindepth', '1', '-printf', '%y %T@ %s %P\\0'];
    const { stdout } = await mustRun('Listing what was written', this.inMounts(find), LIMIT);
    const entries = stdout.split('\0').filter((line) => line !== '');
    return new Map(
      entries.map((line) => {
        const [, kind = '', stamp = '', file = ''] = /^(\S+) (\S+ \S+) ([^]*)$/.exec(line) ?? [];
        return [`/${file}`, { kind, stamp }];
      }),
    );
  }

  async writtenBytes(): Promise<number> {
    if (this.isOwn) {
      const { blocks, bfree, bsize } = await this.fileSystem();
      return (blocks - bfree) * bsize;
    }
    const du = ['du', '-s', '-B1', `${MACHINE.upper}/files`];
    return Number.parseInt((await mustRun('Measuring', this.inMounts(du), LIMIT)).stdout, 10);
  }

  async isFull(): Promise<boolean> {
    return (await this.fileSystem()).bavail === 0;
  }

  private fileSystem(): Promise<StatsFs> {
    return statfs(`/proc/${this.holder}/root${MACHINE.upper}`);
  }
}
