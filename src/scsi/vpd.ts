// Vital product data (SPC-5, SBC-4): who a unit is and what it is good at, a page for each subject.
// The limits themselves are limits.ts's; INQUIRY, which carries the pages, is inquiry.ts's.

import { SLOT_BYTES_MAX } from '../engine/slab.ts';
import { thirdPartyCopy } from './copy-page.ts';
import {
  atomicBlocksMax,
  atomicBlocksMin,
  compareBlocksMax,
  PHYSICAL_BLOCK_BYTES,
  transferBlocksMax,
  UNMAP_DESCRIPTORS_MAX,
  unmapBlocksMax,
  writeSameBlocksMax,
} from './limits.ts';
import type { LogicalUnit } from './logical-unit.ts';
import { ALL_PAGES, ALL_SUBPAGES } from './mode-pages.ts';
import { type Nexus, relativePort, targetPortName } from './nexus.ts';
import { ascii, blank, joined, nullPadded } from './reply.ts';
import { SENSE_BYTES_MAX } from './sense.ts';
import type { Task } from './task.ts';

/** T10 VENDOR IDENTIFICATION, eight characters. */
export const VENDOR_ID = 'LUNARING';
export const PRODUCT_ID = 'DISK';

/** Peripheral qualifier and device type: a direct access block device, or no device at a LUN that names no unit. */
export function peripheral(unit: LogicalUnit | null): number {
  return unit === null ? 0x7f : 0x00;
}

const HEADER_BYTES = 4;

type Page = (unit: LogicalUnit, nexus: Nexus) => Uint8Array;

/** What follows the header, by page code; in the order in which page 00h lists them. */
const PAGES = new Map<number, Page>([
  [0x80, unitSerialNumber],
  [0x83, deviceIdentification],
  [0x86, extendedInquiry],
  [0x87, modePagePolicy],
  [0x88, scsiPorts],
  [0x8f, thirdPartyCopy],
  [0xb0, blockLimits],
  [0xb1, blockDeviceCharacteristics],
  [0xb2, logicalBlockProvisioning],
]);

/** The page, header included; null when there is none of that code. A LUN without a unit has page 00h only. */
export function vitalProductData(task: Task, code: number): Uint8Array | null {
  const { unit } = task;
  const body = code === 0x00 ? supportedPages(unit) : unit === null ? undefined : PAGES.get(code)?.(unit, task.nexus!);
  if (body === undefined) return null;
  const { bytes, view } = blank(HEADER_BYTES);
  bytes[0] = peripheral(unit);
  bytes[1] = code;
  view.setUint16(2, body.length);
  return joined([bytes, body]);
}

function supportedPages(unit: LogicalUnit | null): Uint8Array {
  return Uint8Array.from(unit === null ? [0x00] : [0x00, ...PAGES.keys()]);
}

function unitSerialNumber(unit: LogicalUnit): Uint8Array {
  return ascii(unit.snapshot.serial, unit.snapshot.serial.length);
}

/** Code sets and associations of designation descriptors. */
const CodeSet = { binary: 1, ascii: 2, utf8: 3 } as const;
const Association = { unit: 0, port: 1, target: 2 } as const;
const DesignatorType = { t10: 1, naa: 3, relativePort: 4, portGroup: 5, nameString: 8 } as const;
/** PROTOCOL IDENTIFIER of iSCSI, valid (PIV) where the designator is of a port or the target. */
const ISCSI = 0x5;
const PIV = 0x80;

function designation(codeSet: number, association: number, type: number, designator: Uint8Array): Uint8Array {
  const ofUnit = association === Association.unit;
  const header = [
    ofUnit ? codeSet : (ISCSI << 4) | codeSet,
    (ofUnit ? 0 : PIV) | (association << 4) | type,
    0,
    designator.length,
  ];
  return joined([Uint8Array.from(header), designator]);
}

function deviceIdentification(unit: LogicalUnit, nexus: Nexus): Uint8Array {
  const { serial, naa } = unit.snapshot;
  const inFourBytes = (value: number): Uint8Array => Uint8Array.of(0, 0, value >>> 8, value & 0xff);
  return joined([
    designation(CodeSet.ascii, Association.unit, DesignatorType.t10, ascii(VENDOR_ID + serial, 8 + serial.length)),
    designation(CodeSet.binary, Association.unit, DesignatorType.naa, Uint8Array.from(Buffer.from(naa, 'hex'))),
    designation(CodeSet.binary, Association.port, DesignatorType.relativePort, inFourBytes(nexus.relativeTargetPort)),
    designation(CodeSet.binary, Association.port, DesignatorType.portGroup, inFourBytes(nexus.name.portalGroupTag)),
    designation(
      CodeSet.utf8,
      Association.port,
      DesignatorType.nameString,
      nullPadded(targetPortName(nexus.targetName, nexus.name.portalGroupTag)),
    ),
    designation(CodeSet.utf8, Association.target, DesignatorType.nameString, nullPadded(nexus.targetName)),
  ]);
}

/** HEADSUP, ORDSUP, SIMPSUP: the task attributes, but for ACA. */
const HEADSUP_ORDSUP_SIMPSUP = 0x07;
/** V_SUP: there is a volatile cache. */
const V_SUP = 0x01;

/** SPC-5 extended INQUIRY data; offsets are those of the page, less the header. */
function extendedInquiry(unit: LogicalUnit): Uint8Array {
  const { bytes } = blank(60);
  bytes[5 - HEADER_BYTES] = HEADSUP_ORDSUP_SIMPSUP;
  bytes[6 - HEADER_BYTES] = unit.snapshot.writeCache ? V_SUP : 0;
  bytes[13 - HEADER_BYTES] = SENSE_BYTES_MAX;
  return bytes;
}

/** SPC-5 mode page policy: one descriptor for all pages and subpages, which all nexuses share. */
function modePagePolicy(): Uint8Array {
  return Uint8Array.of(ALL_PAGES, ALL_SUBPAGES, 0, 0);
}

/** SPC-5 SCSI ports: the ports of all portal groups that serve the unit, each by its name. */
function scsiPorts({ snapshot }: LogicalUnit): Uint8Array {
  const ports = snapshot.portalGroups.map((tag) => {
    const name = designation(
      CodeSet.utf8,
      Association.port,
      DesignatorType.nameString,
      nullPadded(targetPortName(snapshot.targetName, tag)),
    );
    const { bytes, view } = blank(12);
    view.setUint16(2, relativePort(tag));
    view.setUint16(10, name.length);
    return joined([bytes, name]);
  });
  return joined(ports);
}

const UNMAP_ALIGNMENT_VALID = 0x8000_0000;

/** SBC-4 block limits; offsets are those of the page, less the header. */
function blockLimits(unit: LogicalUnit): Uint8Array {
  const { bytes, view } = blank(60);
  const at = (pageOffset: number): number => pageOffset - HEADER_BYTES;
  const pageBlocks = Math.max(1, PHYSICAL_BLOCK_BYTES / unit.blockSize);
  bytes[at(5)] = compareBlocksMax(unit);
  view.setUint16(at(6), pageBlocks);
  view.setUint32(at(8), transferBlocksMax(unit));
  view.setUint32(at(12), SLOT_BYTES_MAX / unit.blockSize);
  if (unit.snapshot.thin) {
    view.setUint32(at(20), unmapBlocksMax(unit));
    view.setUint32(at(24), UNMAP_DESCRIPTORS_MAX);
    view.setUint32(at(28), pageBlocks);
    view.setUint32(at(32), UNMAP_ALIGNMENT_VALID);
  }
  view.setUint32(at(40), writeSameBlocksMax(unit));
  // Atomic boundaries are not supported.
  view.setUint32(at(44), atomicBlocksMax(unit));
  view.setUint32(at(48), atomicBlocksMin(unit));
  view.setUint32(at(52), atomicBlocksMin(unit));
  return bytes;
}

/** MEDIUM ROTATION RATE of a medium that does not rotate. */
const NON_ROTATING = 0x0001;
/** Blocks can be read after SANITIZE has erased them, without having been written. BLOCK ERASE is for thin units only. */
const WABEREQ = 0b01 << 6;
const WACEREQ = 0b01 << 4;

function blockDeviceCharacteristics({ snapshot }: LogicalUnit): Uint8Array {
  const { bytes, view } = blank(60);
  view.setUint16(0, NON_ROTATING);
  bytes[7 - HEADER_BYTES] = (snapshot.thin ? WABEREQ : 0) | WACEREQ;
  return bytes;
}

/**
 * UNMAP and WRITE SAME(16) unmap, as every initiator that does so can; unmapped blocks read as zeroes (LBPRZ). Not WRITE SAME(10): some
 * that unmap with it send other data than zeroes, which must then be written (SBC-4), and expect zeroes.
 */
const LBPU_LBPWS_LBPRZ = 0x80 | 0x40 | 0x04;
const THIN_PROVISIONED = 0x02;

function logicalBlockProvisioning(unit: LogicalUnit): Uint8Array {
  return unit.snapshot.thin ? Uint8Array.of(0, LBPU_LBPWS_LBPRZ, THIN_PROVISIONED, 0) : new Uint8Array(4);
}
