// The names under which a unit is known for good: its serial number and its world-wide name, made where none is configured.
// How they are reported is scsi/vpd.ts's; that no two units share one is unit-store.ts's to see to.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { LunSettings, TargetSettings } from '../config/settings.ts';
import { holderName } from './holders.ts';
import { StorageError } from './storage.ts';

/** What a unit's names are made from. */
export interface IdentitySource {
  /** Tells machines apart: two of them may serve a disk of the same name from the same path. Empty where there is no such id. */
  readonly machineId: string;
  readonly targetName: string;
  readonly lun: number;
  /** The file's path; empty for units without one. */
  readonly path: string;
}

/** A unit's names. */
export interface Identity {
  /** 18 ASCII characters. */
  readonly serial: string;
  /** NAA locally assigned identifier (type 3): 16 hex digits. Registered types need a company number from the IEEE. */
  readonly naa: string;
}

/** The same names for the same source, on every start. 60 bits of SHA-256: a billion units before two are likely to share one. */
export function makeIdentity(source: IdentitySource): Identity {
  const { machineId, targetName, lun, path } = source;
  const digest = createHash('sha256')
    .update([machineId, targetName, String(lun), path].join('\0'))
    .digest('hex');
  return { serial: `LR${digest.slice(0, 16)}`, naa: `3${digest.slice(16, 31)}` };
}

/** A unit's names: those that are configured, and made ones for the rest. */
export function identityOf(machineId: string, targetName: string, lun: LunSettings): Identity {
  const path = lun.backend === 'file' ? lun.path : '';
  const made = makeIdentity({ machineId, targetName, lun: lun.lun, path });
  return { serial: lun.serial ?? made.serial, naa: lun.naa ?? made.naa };
}

/** The names of units. Two units that share one look like two paths to one disk, and multipath software writes to either. */
export class Names {
  /** Who has it, by the name. */
  readonly #naa = new Map<string, string>();
  readonly #serial = new Map<string, string>();

  /** Which of the names another unit has, and who; null: none. */
  taken({ naa, serial }: Identity): readonly [key: keyof Identity, who: string] | null {
    const [other, another] = [this.#naa.get(naa), this.#serial.get(serial)];
    if (other !== undefined) return ['naa', other];
    return another === undefined ? null : ['serial', another];
  }

  /** Throws {@link StorageError} where another unit has one of the names. */
  judge(identity: Identity): void {
    const taken = this.taken(identity);
    if (taken === null) return;
    const [key, who] = taken;
    const remedy = `leave ${key} out, or change one of them`;
    throw new StorageError(key, `${identity[key]}, as ${who}`, `a ${key} of its own`, remedy);
  }

  /** `who` has them now. */
  add({ naa, serial }: Identity, who: string): void {
    this.#naa.set(naa, who);
    this.#serial.set(serial, who);
  }

  /** The unit that had them is gone. */
  remove({ naa, serial }: Identity): void {
    this.#naa.delete(naa);
    this.#serial.delete(serial);
  }
}

/** machine-id(5): an image that has yet to boot says `uninitialized`. */
const MACHINE_ID = /^[0-9a-f]{32}$/;

/**
 * The units that have a name which another machine may have given a disk of its own: made here, without the id of a machine in it. Multipath
 * software takes two such disks for one, and writes to either; which of the names it goes by depends on their kinds. Each by its
 * {@link holderName}.
 */
export function unitsOfCommonName(
  targets: readonly Pick<TargetSettings, 'name' | 'luns'>[],
  machineId: string,
): string[] {
  if (MACHINE_ID.test(machineId)) return [];
  return targets.flatMap(({ name, luns }) =>
    luns.filter(({ serial, naa }) => serial === undefined || naa === undefined).map(({ lun }) => holderName(name, lun)),
  );
}

/** What to do about them. */
export const COMMON_NAME_REMEDY =
  "set naa and serial of each unit, or give the container its host's /etc/machine-id (docs/deployment.md)";

/** This machine's id (machine-id(5)), or an empty text: in a container there often is none, and a host name there changes with every start. */
export function readMachineId(): string {
  try {
    return readFileSync('/etc/machine-id', 'utf8').trim();
  } catch {
    return '';
  }
}
