// The backend that a snapshot asks for, on a worker's engine.
// Each kind is in a file of its own.

import type { Engine } from '../engine/engine.ts';
import type { BackendSnapshot } from '../ring/messages.ts';
import type { Backend, BlockComplete, BlockIo } from './backend.ts';
import { FileBackend } from './file.ts';
import { MemoryBackend } from './memory.ts';
import { NullBackend } from './null.ts';

/** `memoryOf` resolves the handle of a memory unit's buffer; `complete` hears of the end of every operation. */
export function createBackend<Io extends BlockIo>(
  engine: Engine,
  snapshot: BackendSnapshot,
  memoryOf: (handle: number) => SharedArrayBuffer,
  complete: BlockComplete<Io>,
): Backend<Io> {
  switch (snapshot.kind) {
    case 'file':
      return new FileBackend(engine, snapshot, complete);
    case 'memory':
      return new MemoryBackend(engine, memoryOf(snapshot.handle), complete, snapshot.atomic);
    default:
      return new NullBackend(engine, complete);
  }
}
