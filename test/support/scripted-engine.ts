// An engine whose file operations do what the test says: short transfers, errors, whatever a disk can answer.
// Only what backends ask for is here; sockets are sim-engine.ts's.

import type { Address, Engine, RangeMode, Stretch } from '../../src/engine/engine.ts';
import { Slab } from '../../src/engine/slab.ts';

/** One file operation as the engine was asked for it. */
export interface FileCall {
  readonly call: 'read' | 'write' | 'sync' | 'nextTurn' | RangeMode;
  readonly fd: number;
  readonly address: Address;
  readonly length: number;
  readonly offset: number;
  readonly durable: boolean;
  readonly token: number;
}

/** See the file's head. Regions lie at `REGION_BASE` and up, misaligned by `skew`. */
export class ScriptedEngine {
  readonly slab = new Slab({ bytes: 4 * 1024 * 1024, receiveBytes: 4096 });
  readonly calls: FileCall[] = [];
  readonly regions = new Map<Address, SharedArrayBuffer>();
  /** What `findStretch` answers, first question first. */
  readonly stretches: number[] = [];
  /** Milliseconds. */
  clock = 0;
  readonly #skew: number;
  #nextRegion = 2 ** 40;

  constructor(skew = 0) {
    this.#skew = skew;
  }

  /** The same, to those who want a whole engine. */
  get engine(): Engine {
    return this as unknown as Engine;
  }

  /** Has the slab copy by address, as on an engine whose addresses are the machine's. */
  copyByAddress(): void {
    this.slab.copyByAddress = (to, from, length) => {
      this.#bytesAt(to).set(this.#bytesAt(from).slice(0, length));
    };
  }

  #bytesAt(address: Address): Uint8Array {
    for (const [base, memory] of this.regions) {
      if (address >= base && address < base + memory.byteLength) return new Uint8Array(memory, address - base);
    }
    return this.slab.bytes.subarray(address);
  }

  attachRegion(memory: SharedArrayBuffer): Address {
    const base = this.#nextRegion + this.#skew;
    this.#nextRegion += 2 ** 40;
    this.regions.set(base, memory);
    return base;
  }

  detachRegion(base: Address): void {
    this.regions.delete(base);
  }

  read(fd: number, address: Address, length: number, offset: number, token: number): void {
    this.calls.push({ call: 'read', fd, address, length, offset, durable: false, token });
  }

  write(fd: number, address: Address, length: number, offset: number, durable: boolean, token: number): void {
    this.calls.push({ call: 'write', fd, address, length, offset, durable, token });
  }

  sync(fd: number, token: number, offset = 0, length = 0): void {
    this.calls.push({ call: 'sync', fd, address: 0, length, offset, durable: false, token });
  }

  clearRange(fd: number, mode: RangeMode, offset: number, length: number, token: number): void {
    this.calls.push({ call: mode, fd, address: 0, length, offset, durable: false, token });
  }

  findStretch(_fd: number, _kind: Stretch, _offset: number): number {
    return this.stretches.shift()!;
  }

  now(): number {
    return this.clock;
  }

  nextTurn(token: number): void {
    this.calls.push({ call: 'nextTurn', fd: -1, address: 0, length: 0, offset: 0, durable: false, token });
  }
}
