// A load generator made of the tests' own initiator: it offers what libiscsi does not, data digests.
// A program in JavaScript that checks every digest is soon the limit itself: read the target's CPU time from it, not its speed.

import { setTimeout as sleep } from 'node:timers/promises';
import { DataIn, STATUS_BIT } from '../src/pdu/data-in.ts';
import { FINAL_BIT, Opcode } from '../src/pdu/opcode.ts';
import { READ_BIT, ScsiCommand } from '../src/pdu/scsi-command.ts';
import { lunField } from '../test/support/header-values.ts';
import { RawInitiator } from '../test/support/raw-initiator.ts';
import type { Cell } from './cells.ts';
import type { Observation } from './instruments.ts';

const BLOCK = 512;
const US = 1000;
/** What is read lies in the first so many bytes, or as many as there are. */
const SPAN_BYTES = 8 * 2 ** 20;
const READ_10 = 0x28;
/** Longer than anyone measures: a target need not ping at all. The longest that a timer takes. */
const IDLE_LIMIT_MS = 2 ** 31 - 1;

interface Address {
  readonly port: number;
  readonly target: string;
  readonly lun: number;
}

/** The parts of `iscsi://127.0.0.1:port/name/lun`. */
export function parseAddress(url: string): Address {
  const [, port, target, lun] = /^iscsi:\/\/[^/]+:(\d+)\/(.+)\/(\d+)$/.exec(url) ?? [];
  if (port === undefined) throw new Error(`${url} is no address of a unit`);
  return { port: Number(port), target: target!, lun: Number(lun) };
}

/** Logs in; throws when data digests were asked for and not agreed on. */
async function logInTo(url: string, dataDigest = false): Promise<RawInitiator> {
  const { port, target } = parseAddress(url);
  const keys = { DataDigest: dataDigest ? 'CRC32C' : 'None' };
  const initiator = await RawInitiator.logIn(port, { target, keys });
  if (initiator.wire.dataDigest !== dataDigest)
    throw new Error(`${url} would not agree on DataDigest=${keys.DataDigest}`);
  return initiator;
}

export interface RawJob {
  readonly url: string;
  readonly cell: Cell;
  readonly seconds: number;
  /** Size of the disk. */
  readonly sizeBytes: number;
  readonly dataDigest: boolean;
}

/** READ(10)s for some seconds, `cell.depth` of them outstanding. */
export async function rawLoad({ url, cell, seconds, sizeBytes, dataDigest }: RawJob): Promise<Observation> {
  using initiator = await logInTo(url, dataDigest);
  const load = new Load(initiator, parseAddress(url).lun, cell, Math.min(SPAN_BYTES, sizeBytes));
  const began = performance.now();
  const usage = process.resourceUsage();
  await load.run(began + seconds * 1000);
  const tookSeconds = (performance.now() - began) / 1000;
  const after = process.resourceUsage();
  await initiator.logOut();
  const sorted = load.latenciesUs.sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  const userCpu = (after.userCPUTime - usage.userCPUTime) / 1e6 / tookSeconds;
  const systemCpu = (after.systemCPUTime - usage.systemCPUTime) / 1e6 / tookSeconds;
  return {
    ios: sorted.length,
    iops: sorted.length / tookSeconds,
    p50Us: at(0.5),
    p99Us: at(0.99),
    p999Us: at(0.999),
    meanUs: sorted.reduce((sum, one) => sum + one, 0) / sorted.length,
    clientCpu: userCpu + systemCpu,
    userCpu,
    systemCpu,
  };
}

/** One connection's outstanding READs. */
class Load {
  readonly latenciesUs: number[] = [];
  readonly #initiator: RawInitiator;
  readonly #lun: number;
  readonly #cell: Cell;
  readonly #spanBytes: number;
  readonly #begun = new Map<number, number>();
  #next = 0;

  constructor(initiator: RawInitiator, lun: number, cell: Cell, spanBytes: number) {
    this.#initiator = initiator;
    this.#lun = lun;
    this.#cell = cell;
    this.#spanBytes = spanBytes;
  }

  /** Reads until `deadline`, of performance.now(), and then receives what is still to come. */
  async run(deadline: number): Promise<void> {
    for (let outstanding = 0; outstanding < this.#cell.depth; outstanding++) this.#send();
    while (this.#begun.size > 0) {
      const pdu = await this.#initiator.receive();
      if (pdu === null) throw new Error('the target closed the connection');
      if (pdu.opcode !== Opcode.DATA_IN) throw new Error(`opcode ${pdu.opcode} instead of Data-In`);
      if ((DataIn.flags.get(new DataView(pdu.header.buffer, pdu.header.byteOffset), 0) & STATUS_BIT) === 0) continue;
      const tag = pdu.header.readUInt32BE(16);
      this.latenciesUs.push((performance.now() - this.#begun.get(tag)!) * US);
      this.#begun.delete(tag);
      if (performance.now() < deadline) this.#send();
    }
  }

  #send(): void {
    const { blockSize, pattern } = this.#cell;
    const places = Math.floor(this.#spanBytes / blockSize);
    const place = pattern === 'randread' ? Math.floor(Math.random() * places) : this.#next++ % places;
    const cdb = Buffer.alloc(16);
    cdb[0] = READ_10;
    cdb.writeUInt32BE((place * blockSize) / BLOCK, 2);
    cdb.writeUInt16BE(blockSize / BLOCK, 7);
    const values = {
      flags: FINAL_BIT | READ_BIT,
      lun: lunField(this.#lun),
      expectedDataTransferLength: blockSize,
      cdb,
    };
    const tag = this.#initiator.send(ScsiCommand, values);
    this.#begun.set(tag, performance.now());
  }
}

/**
 * Holds `count` sessions open for as long as `during` takes, silent but for their answers to pings of the target. Throws when one of them has
 * ended meanwhile: whatever was measured, it was not among so many.
 */
export async function withIdleSessions<T>(url: string, count: number, during: () => Promise<T>): Promise<T> {
  const idle: RawInitiator[] = [];
  try {
    while (idle.length < count) {
      const initiator = await logInTo(url);
      idle.push(initiator);
      // One that stops answering is dropped by the target, and missed below.
      answerPings(initiator).catch(() => undefined);
    }
    // What the logins left to do is done before anything is measured.
    await sleep(500);
    const result = await during();
    const ended = idle.filter(({ wire }) => wire.closed).length;
    if (ended > 0) throw new Error(`${ended} of ${count} idle sessions have ended`);
    return result;
  } finally {
    for (const one of idle) one[Symbol.dispose]();
  }
}

/** Until the connection ends. */
async function answerPings(initiator: RawInitiator): Promise<void> {
  while ((await initiator.receiveAnswer(IDLE_LIMIT_MS)) !== null);
}
