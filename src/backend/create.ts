// The backend that a snapshot asks for, on a worker's engine.
// Each kind is in a file of its own.

import type { Engine } from '../engine/engine.ts';
import type { BackendSnapshot } from '../ring/messages.ts';
import type { ParcelOf } from '../ring/parcel.ts';
import type { Backend, BlockComplete, BlockIo, Loss } from './backend.ts';
import { CustomBackend } from './custom.ts';
import { FileBackend } from './file.ts';
import { MemoryBackend } from './memory.ts';
import { NullBackend } from './null.ts';

/** `parcelOf` resolves the handle in a snapshot; `complete` hears of the end of every operation; `loss` is the unit's. */
export function createBackend<Io extends BlockIo>(
  engine: Engine,
  snapshot: BackendSnapshot,
  parcelOf: ParcelOf,
  complete: BlockComplete<Io>,
  loss: Loss,
): Backend<Io> {
  switch (snapshot.kind) {
    case 'file':
      return new FileBackend(engine, snapshot, complete, loss);
    case 'memory':
      return new MemoryBackend(engine, parcelOf(snapshot.handle).memory, complete, snapshot.atomic);
    case 'custom':
      return new CustomBackend(engine, parcelOf(snapshot.handle), snapshot.timeoutMs, complete, loss);
    default:
      return new NullBackend(engine, complete);
  }
}
