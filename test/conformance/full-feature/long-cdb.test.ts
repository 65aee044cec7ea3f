// CDBs that are longer than the header has room for: the rest comes in an additional header segment (RFC 7143 §11.2.2), which may be
// cut anywhere, stand beside others, or be nonsense. What the commands do is test/scsi/variable-length.test.ts's.

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BHS_SIZE } from '../../../src/pdu/bhs.ts';
import { FINAL_BIT } from '../../../src/pdu/opcode.ts';
import { Reject } from '../../../src/pdu/reject.ts';
import { READ_BIT, ScsiCommand } from '../../../src/pdu/scsi-command.ts';
import { AdditionalSense } from '../../../src/scsi/sense.ts';
import { Status } from '../../../src/scsi/task.ts';
import { lunField } from '../../support/header-values.ts';
import { extendedCdb } from '../../support/initiator-command.ts';
import { RawInitiator } from '../../support/raw-initiator.ts';
import { noise } from '../../support/scratch.ts';
import { TARGET_NAME, TargetProcess } from '../../support/target-process.ts';

const BLOCK = 512;
const READ_32 = 0x09;
const WRITE_32 = 0x0b;

function cdb32(serviceAction: number, lba: number, blocks: number): Buffer {
  const cdb = Buffer.alloc(32);
  cdb[0] = 0x7f;
  cdb[7] = 0x18;
  cdb.writeUInt16BE(serviceAction, 8);
  cdb.writeUInt32BE(lba, 16);
  cdb.writeUInt32BE(blocks, 28);
  return cdb;
}

describe.each(['uring', 'posix'] as const)('engine %s', (engine) => {
  let target: TargetProcess;
  beforeAll(async () => {
    target = await TargetProcess.start({
      targets: [{ name: TARGET_NAME, luns: [{ lun: 0, backend: 'memory', size: '1MiB' }] }],
      tuning: { engine },
    });
  });
  afterAll(() => target.stop());

  it.each([
    ['none', 'None'],
    ['digests over header and segment', 'CRC32C'],
  ])('§11.2.2.3: WRITE(32) and READ(32), with %s', async (_digests, digest) => {
    using initiator = await RawInitiator.logIn(target.port, { keys: { HeaderDigest: digest, DataDigest: digest } });
    expect(initiator.wire.headerDigest).toBe(digest === 'CRC32C');
    const data = noise(40 * BLOCK, 1);
    expect((await initiator.command(cdb32(WRITE_32, 3, 40), { write: data })).status).toBe(Status.GOOD);
    const read = await initiator.command(cdb32(READ_32, 3, 40), { read: data.length });
    expect(read.data.equals(data)).toBe(true);
  });

  it('§11.2.2: the segment is taken wherever the stream is cut', async () => {
    using initiator = await RawInitiator.logIn(target.port);
    const cdb = cdb32(READ_32, 0, 1);
    const ahs = extendedCdb(cdb.subarray(16));
    const values = {
      flags: FINAL_BIT | READ_BIT,
      lun: lunField(0),
      expectedDataTransferLength: BLOCK,
      cdb: cdb.subarray(0, 16),
    };
    for (let cut = 1; cut < BHS_SIZE + ahs.length; cut += 3) {
      const bytes = initiator.encode(ScsiCommand, values, { ahs });
      initiator.wire.write(bytes.subarray(0, cut));
      await sleep(2);
      initiator.wire.write(bytes.subarray(cut));
      const reply = await initiator.receive();
      expect(reply?.data).toHaveLength(BLOCK);
    }
  });

  it('§11.2.2.4: a bidirectional length beside it changes nothing for a command that moves data one way', async () => {
    using initiator = await RawInitiator.logIn(target.port);
    const cdb = cdb32(READ_32, 0, 1);
    const bidirectional = Buffer.from('0005020000000200', 'hex');
    for (const ahs of [
      Buffer.concat([bidirectional, extendedCdb(cdb.subarray(16))]),
      Buffer.concat([extendedCdb(cdb.subarray(16)), bidirectional]),
    ]) {
      const values = {
        flags: FINAL_BIT | READ_BIT,
        lun: lunField(0),
        expectedDataTransferLength: BLOCK,
        cdb: cdb.subarray(0, 16),
      };
      initiator.send(ScsiCommand, values, { ahs });
      expect((await initiator.receive())?.data).toHaveLength(BLOCK);
    }
  });

  it.each([
    ['a length of 0', '00000100 00000000'],
    ['a length beyond the segments', '00ff0100 00000000'],
    ['a CDB longer than any', '00150100 0000000000000000000000000000000000000000 00000000'],
  ])('%s is rejected, and the session goes on', async (_what, hex) => {
    using initiator = await RawInitiator.logIn(target.port);
    const ahs = Buffer.from(hex.replaceAll(' ', ''), 'hex');
    const { cmdSN } = initiator.session;
    initiator.send(ScsiCommand, { lun: lunField(0), cdb: cdb32(READ_32, 0, 1).subarray(0, 16) }, { ahs });
    await initiator.expect(Reject);
    initiator.session.cmdSN = cmdSN;
    expect((await initiator.command(cdb32(READ_32, 0, 1), { read: BLOCK })).status).toBe(Status.GOOD);
  });

  it('a CDB of 32 bytes of which only 16 came is refused', async () => {
    using initiator = await RawInitiator.logIn(target.port);
    // The one before leaves its bytes behind, if anybody looks.
    await initiator.command(cdb32(READ_32, 0, 1), { read: BLOCK });
    const result = await initiator.command(cdb32(READ_32, 0, 1).subarray(0, 16), { read: BLOCK });
    expect(result.sense?.additional).toBe(AdditionalSense.INVALID_FIELD_IN_CDB);
  });
});
