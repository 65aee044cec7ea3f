// The kernel's settings: sysctl(8)'s as /proc has them, those of drivers and devices as /sys does.
// What they mean for us is up to whoever asks.

import { readFileSync } from 'node:fs';

/** The setting in a file of one line; empty where there is none. */
export function settingIn(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}

/** A setting's value, such as of `kernel/io_uring_disabled`; empty where there is none. `root`: where the settings are. */
export function sysctl(name: string, root = '/proc/sys'): string {
  return settingIn(`${root}/${name}`);
}
