// READ BUFFER(10) and WRITE BUFFER (SPC-5): an echo buffer for each nexus, to test the way to the unit and back with.
// There is no other buffer: no data to keep, no firmware to load.

import { type ColdCommand, LIST, REPLY } from './cold-command.ts';
import type { Nexus } from './nexus.ts';
import { reply } from './reply.ts';
import { AdditionalSense, fail, failField, SenseKey } from './sense.ts';

/** MODE, bits 4-0 of byte 1. */
const Mode = { descriptor: 0x03, echo: 0x0a, echoDescriptor: 0x0b } as const;
const MODE_MASK = 0x1f;

/** Of a descriptor with 13 bits for it. */
const ECHO_BYTES_MAX = 4096;

/** What each nexus wrote last; it goes with the nexus. */
const echoes = new WeakMap<Nexus, Uint8Array>();

function modeOf(cdb: DataView): number {
  return cdb.getUint8(1) & MODE_MASK;
}

/** ALLOCATION LENGTH and PARAMETER LIST LENGTH have three bytes. */
const LENGTH_AT = 6;

function lengthOf(cdb: DataView): number {
  return cdb.getUint32(LENGTH_AT - 1) & 0xff_ffff;
}

export const readBuffer: ColdCommand = {
  ...REPLY,
  name: 'READ BUFFER(10)',
  decode: (task) => lengthOf(task.cdb),
  run: (task, _unit, services) => {
    switch (modeOf(task.cdb)) {
      case Mode.echo: {
        const echo = echoes.get(task.nexus!);
        // What another would find there is not ours to show.
        if (echo === undefined) fail(task, SenseKey.ILLEGAL_REQUEST, AdditionalSense.COMMAND_SEQUENCE_ERROR);
        else reply(task, services, echo);
        return;
      }
      case Mode.echoDescriptor:
        reply(task, services, Uint8Array.of(0, 0, ECHO_BYTES_MAX >>> 8, ECHO_BYTES_MAX & 0xff));
        return;
      case Mode.descriptor:
        // All zeroes: there is no buffer of that number.
        reply(task, services, new Uint8Array(4));
        return;
      default:
        failField(task, 1);
    }
  },
};

export const writeBuffer: ColdCommand = {
  ...LIST,
  name: 'WRITE BUFFER',
  decode: (task) => {
    const length = lengthOf(task.cdb);
    if (modeOf(task.cdb) !== Mode.echo) failField(task, 1);
    else if (length > ECHO_BYTES_MAX) failField(task, LENGTH_AT);
    return length;
  },
  run: (task, _unit, services) => {
    echoes.set(task.nexus!, services.bytes.slice(task.at, task.at + task.dataLength));
  },
};
