import type { ChildProcess } from 'node:child_process';

/** A process ended, or could not be started, before it said that it was ready. */
export class NotReady extends Error {
  readonly code = 'not-ready';
  constructor(complaint: string) {
    super(complaint);
    this.name = 'NotReady';
  }
}

/** Waits until a process has said a line on its standard output. @throws NotReady with what it said on standard error */
export async function firstLineOf(child: ChildProcess, line: string): Promise<void> {
  let out = '';
  let complaints = '';
  child.stderr?.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
  await new Promise<void>((resolve, reject) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      out += chunk.toString();
      if (out.includes(`${line}\n`)) resolve();
    });
    child.once('error', (error) => reject(new NotReady(error.message)));
    child.once('close', () => reject(new NotReady(complaints.trim() || 'its first process ended without a word')));
  });
}
