// The settings that the real initiators are run against: everything in one, the core of it in all others.
// libiscsi offers no data digest, so `require` is for headers here; data digests are digests.test.ts's.

import { MIB } from '../../src/config/limits.ts';
import { TARGET_NAME, TargetProcess } from '../support/target-process.ts';

export interface Setting {
  readonly engine: 'uring' | 'posix';
  readonly headerDigest: 'off' | 'require';
  readonly workers: number;
}

/** Where everything runs. */
export const MAIN_SETTING: Setting = { engine: 'uring', headerDigest: 'off', workers: 2 };

/** All others. */
export const OTHER_SETTINGS: readonly Setting[] = (['uring', 'posix'] as const)
  .flatMap((engine) => (['off', 'require'] as const).map((headerDigest) => ({ engine, headerDigest })))
  .flatMap((setting) => [1, 2].map((workers) => ({ ...setting, workers })))
  .filter((setting) => JSON.stringify(setting) !== JSON.stringify(MAIN_SETTING));

export function describeSetting({ engine, headerDigest, workers }: Setting): string {
  return `engine ${engine}, header digest ${headerDigest}, ${workers} worker${workers === 1 ? '' : 's'}`;
}

/** What units a target serves here, and under which numbers. */
export const Lun = { FILE: 0, MEMORY: 1, REMOVABLE: 2, READ_ONLY: 3, BLOCKS_4K: 4 } as const;

/** Bytes of a block: of all units, but for the last. */
export function blockBytes(lun: number): number {
  return lun === Lun.BLOCKS_4K ? 4096 : 512;
}

/** Size of every unit. */
export const UNIT_BYTES = 64 * MIB;

/** Starts a target with one unit of each kind. */
export function startTarget({ engine, headerDigest, workers }: Setting): Promise<TargetProcess> {
  const luns = [
    { lun: Lun.FILE, path: 'file.img', size: UNIT_BYTES },
    { lun: Lun.MEMORY, backend: 'memory' as const, size: UNIT_BYTES },
    { lun: Lun.REMOVABLE, backend: 'memory' as const, size: UNIT_BYTES, removable: true },
    { lun: Lun.READ_ONLY, backend: 'memory' as const, size: UNIT_BYTES, readOnly: true },
    { lun: Lun.BLOCKS_4K, backend: 'memory' as const, size: UNIT_BYTES, blockSize: blockBytes(Lun.BLOCKS_4K) as 4096 },
  ];
  return TargetProcess.start({
    targets: [{ name: TARGET_NAME, digests: { header: headerDigest, data: 'offer' }, luns }],
    tuning: { engine, workers },
  });
}
