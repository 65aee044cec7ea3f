// The memory that memory units are kept in.
// What lies where in it is backend/memory.ts's.

import { unitMemory } from '../backend/memory.ts';
import { formatSize } from '../config/size.ts';
import { StorageError } from './storage.ts';

/** Memory for a unit of `bytes`, taken from the machine as it is written to. Throws {@link StorageError} where there is none. */
export function reserveMemory(bytes: number, atomic: boolean): SharedArrayBuffer {
  try {
    return unitMemory(bytes, atomic);
  } catch (cause) {
    const remedy = 'choose a smaller size, or give the machine more memory';
    const options = { cause: cause as Error };
    throw new StorageError('size', formatSize(bytes), 'memory that can be reserved', remedy, options);
  }
}
