// The backend that a snapshot asks for, on a worker's engine.
// Each kind is in a file of its own.

import type { Engine } from '../engine/engine.ts';
import type { UnitSnapshot } from '../ring/messages.ts';
import type { ParcelOf } from '../ring/parcel.ts';
import type { Backend, BlockComplete, BlockIo, Loss } from './backend.ts';
import { CustomBackend } from './custom.ts';
import { FileBackend } from './file.ts';
import { MemoryBackend } from './memory.ts';
import { NullBackend } from './null.ts';

/** `parcelOf` finds what came for the unit beside its snapshot; `complete` hears of the end of every operation; `loss` is the unit's. */
export function createBackend<Io extends BlockIo>(
  engine: Engine,
  { id, backend }: UnitSnapshot,
  parcelOf: ParcelOf,
  complete: BlockComplete<Io>,
  loss: Loss,
): Backend<Io> {
  switch (backend.kind) {
    case 'file':
      return new FileBackend(engine, backend, complete, loss);
    case 'memory':
      return new MemoryBackend(engine, parcelOf(id).memory, complete, backend.atomic);
    case 'custom':
      return new CustomBackend(engine, parcelOf(id), backend.timeoutMs, complete, loss);
    default:
      return new NullBackend(engine, complete);
  }
}
