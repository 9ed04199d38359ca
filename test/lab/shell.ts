import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Runs a shell script with arguments and gives its output. @throws when it does not exit with 0 */
export async function sh(script: string, args: readonly string[] = [], cwd?: string): Promise<string> {
  const { stdout } = await promisify(execFile)('sh', ['-eu', '-c', script, 'sh', ...args], { cwd });
  return stdout;
}
