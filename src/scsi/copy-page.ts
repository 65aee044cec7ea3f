// The third-party copy page of vital product data (SPC-4): which EXTENDED COPY is understood here.
// The commands that it tells of are extended-copy.ts's and copy-results.ts's; there are no ROD tokens.

import { OperationCode, ThirdPartyCopyIn, ThirdPartyCopyOut } from './cdb.ts';
import { DescriptorType, OWN_UNIT } from './copy-list.ts';
import {
  CONCURRENT_COPIES,
  COPY_LIST_BYTES_MAX,
  COPY_SEGMENTS_MAX,
  COPY_TARGETS_MAX,
  copySegmentBytesMax,
} from './limits.ts';
import type { LogicalUnit } from './logical-unit.ts';
import { blank, joined } from './reply.ts';

/** Third-party copy descriptor types, in the order in which they are returned. */
const Type = {
  supportedCommands: 0x0001,
  parameterData: 0x0004,
  supportedDescriptors: 0x0008,
  supportedIds: 0x000c,
  generalOperations: 0x8001,
} as const;

/** A descriptor, filled up to a multiple of four bytes. */
function descriptor(type: number, parameters: Uint8Array): Uint8Array {
  const { bytes, view } = blank(4 + Math.ceil(parameters.length / 4) * 4);
  view.setUint16(0, type);
  view.setUint16(2, bytes.length - 4);
  bytes.set(parameters, 4);
  return bytes;
}

/** A list behind its length in one byte. */
function counted(list: readonly number[]): Uint8Array {
  return Uint8Array.of(list.length, ...list);
}

function supportedCommands(): Uint8Array {
  const ofCode = (code: number, actions: readonly number[]): number[] => [code, ...counted(actions)];
  const out = ofCode(OperationCode.THIRD_PARTY_COPY_OUT, Object.values(ThirdPartyCopyOut));
  const results = ofCode(OperationCode.THIRD_PARTY_COPY_IN, Object.values(ThirdPartyCopyIn));
  return counted([...out, ...results]);
}

function parameterData(): Uint8Array {
  const { bytes, view } = blank(28);
  view.setUint16(4, COPY_TARGETS_MAX);
  view.setUint16(6, COPY_SEGMENTS_MAX);
  view.setUint32(8, COPY_LIST_BYTES_MAX);
  return bytes;
}

function generalOperations(unit: LogicalUnit): Uint8Array {
  const { bytes, view } = blank(32);
  view.setUint32(0, CONCURRENT_COPIES);
  view.setUint32(4, CONCURRENT_COPIES);
  view.setUint32(8, copySegmentBytesMax(unit));
  bytes[12] = Math.log2(unit.blockSize);
  return bytes;
}

/** What follows the page's header. */
export function thirdPartyCopy(unit: LogicalUnit): Uint8Array {
  return joined([
    descriptor(Type.supportedCommands, supportedCommands()),
    descriptor(Type.parameterData, parameterData()),
    descriptor(Type.supportedDescriptors, counted(Object.values(DescriptorType))),
    descriptor(Type.supportedIds, Uint8Array.of(0, 2, OWN_UNIT >>> 8, OWN_UNIT & 0xff)),
    descriptor(Type.generalOperations, generalOperations(unit)),
  ]);
}
