// Data-In that a command builds in one go: cut to the allocation length, never an error for being longer (SPC-5).
// What is in it is each command's own.

import type { CommandServices } from './cold-command.ts';
import type { Task } from './task.ts';

/** Answers with `data`, or with as much of it as the initiator has room for. */
export function reply(task: Task, services: CommandServices, data: Uint8Array): void {
  const length = Math.min(data.length, task.transferLength);
  services.bytes.set(length < data.length ? data.subarray(0, length) : data, task.at);
  task.dataLength = length;
}

/** Zeroed bytes for a reply, with the view to fill them through. */
export function blank(size: number): { bytes: Uint8Array; view: DataView } {
  const bytes = new Uint8Array(size);
  return { bytes, view: new DataView(bytes.buffer) };
}

const encoder = new TextEncoder();

/** ASCII, left-aligned and filled with spaces to `size` bytes (SPC-5); cut there. */
export function ascii(text: string, size: number): Uint8Array {
  return encoder.encode(text.padEnd(size).slice(0, size));
}

/** UTF-8 with its terminating null, filled with nulls to a multiple of four bytes (SPC-5). */
export function nullPadded(text: string): Uint8Array {
  const bytes = encoder.encode(text);
  const padded = new Uint8Array(Math.ceil((bytes.length + 1) / 4) * 4);
  padded.set(bytes);
  return padded;
}

/** The parts one after the other. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
