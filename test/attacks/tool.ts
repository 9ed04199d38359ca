import { spawn } from 'node:child_process';
import fs from 'node:fs';

export interface Outcome {
  readonly code: number | null;
  readonly output: string;
}

/** Runs a program of somebody else to its end and keeps what it says; it is killed when it takes longer than it may. */
export function runTool(program: string, args: readonly string[], timeoutMs: number, cwd?: string): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    });
    const parts: string[] = [];
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => parts.push(text));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output: parts.join('') }));
  });
}

export const hasTools = (...programs: string[]): boolean =>
  programs.every((program) =>
    ['/usr/bin', '/bin', '/usr/sbin'].some((folder) => fs.existsSync(`${folder}/${program}`)),
  );
