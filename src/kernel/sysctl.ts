// The kernel's settings (sysctl(8)), as /proc has them.
// What they mean for us is up to whoever asks.

import { readFileSync } from 'node:fs';

/** A setting's value, such as of `kernel/io_uring_disabled`; empty where there is none. `root`: where the settings are. */
export function sysctl(name: string, root = '/proc/sys'): string {
  try {
    return readFileSync(`${root}/${name}`, 'utf8').trim();
  } catch {
    return '';
  }
}
