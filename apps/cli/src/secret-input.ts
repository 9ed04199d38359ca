import readline from 'node:readline/promises';
import { Writable } from 'node:stream';

/** Reads a secret: typed without being shown, or the first line of what is piped in. */
export async function readSecret(prompt: string): Promise<string> {
  if (!process.stdin.isTTY) {
    let text = '';
    for await (const part of process.stdin) text += String(part);
    return (text.split('\n')[0] ?? '').trim();
  }
  process.stderr.write(prompt);
  const silent = new Writable({ write: (_part, _encoding, done) => done() });
  const reader = readline.createInterface({ input: process.stdin, output: silent, terminal: true });
  const secret = await reader.question('');
  reader.close();
  process.stderr.write('\n');
  return secret.trim();
}
