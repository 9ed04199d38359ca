import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { mustRun, runCommand } from '../host/run-command.js';

/**
 * Takes the newest kernel, as a boot loader sorts them, and its initrd out of a machine's disk, without mounting it and
 * without privileges. A kernel without an initrd gets an empty one, with which it will not find its disk: what a real
 * machine would do, too.
 * @param directory where the disk lies and the files go to
 * @param run the prefix of commands that touch the machine's files
 */
export async function takeKernel(
  directory: string,
  run: readonly string[],
  files: { readonly disk: string; readonly kernel: string; readonly initrd: string },
): Promise<string> {
  const raw = 'boot.raw';
  const options = { cwd: directory, timeoutMs: 120_000 };
  try {
    await mustRun('Reading the disk', [...run, 'qemu-img', 'convert', '-O', 'raw', files.disk, raw], options);
    const listing = await mustRun('Looking for kernels', [...run, 'debugfs', '-R', 'ls -p /boot', raw], options);
    const newest = await newestKernel(kernelsIn(listing.stdout));
    for (const [from, to] of [
      [`vmlinuz-${newest}`, files.kernel],
      [`initrd.img-${newest}`, files.initrd],
    ] as const) {
      await mustRun('Making a file', [...run, 'sh', '-c', 'rm -f "$1"; : > "$1"', 'sh', to], options);
      await mustRun('Taking a file', [...run, 'debugfs', '-R', `dump /boot/${from} ${to}`, raw], options);
    }
    return newest;
  } finally {
    await rm(path.join(directory, raw), { force: true });
  }
}

/** Versions of the kernels in debugfs's listing: `/inode/mode/uid/gid/name/size/` a line. */
export function kernelsIn(listing: string): string[] {
  return listing.split('\n').flatMap((line) => {
    const name = line.split('/')[5] ?? '';
    // The versions become file names in commands of debugfs, and come from a disk that a patch has written to.
    return /^vmlinuz-[A-Za-z0-9.+~_-]+$/.test(name) ? [name.slice('vmlinuz-'.length)] : [];
  });
}

/** @throws Error when there is none */
async function newestKernel(versions: readonly string[]): Promise<string> {
  const { stdout } = await runCommand(['sort', '-V'], { stdin: versions.join('\n') });
  const newest = stdout.trim().split('\n').at(-1);
  if (newest === undefined || newest === '') throw new Error('The disk has no kernel under /boot.');
  return newest;
}

/** The version that a kernel image says that it has. */
export async function kernelVersion(file: string): Promise<string> {
  const image = await readFile(file);
  // Documentation/arch/x86/boot.rst: at 0x20e stands the offset, less 0x200, of a text that begins with the version.
  const at = image.readUInt16LE(0x20e) + 0x200;
  return image.subarray(at, image.indexOf(0, at)).toString('latin1').split(' ')[0] ?? '';
}
