// A machine without a disk boots from a unit: firmware with an initiator of its own, iPXE, loads the boot sector, which reads and writes as a BIOS does.

import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { missingMachines } from '../support/clients.ts';
import { HOST_ADDRESS } from '../support/linux-guest.ts';
import { run } from '../support/run.ts';
import { Scratch } from '../support/scratch.ts';
import { TARGET_NAME, TargetProcess } from '../support/target-process.ts';

const SECTOR = 512;
/** Some cylinders of 255 heads and 63 sectors: a BIOS wants one at least. */
const IMAGE_SECTORS = 32_768;
const LINE = 'this came from a unit';
/** Where the boot sector copies the line to. */
const COPY_LBA = 3;
const MACHINE =
  '-accel tcg -m 256 -nographic -no-reboot -device e1000,netdev=net,bootindex=0 -device isa-debug-exit,iobase=0xf4';
/** Exit status of qemu when the guest has written 16 to the port of `isa-debug-exit`: twice that, and one. */
const DONE = 33;

/** A boot sector: prints the sector behind it on the serial line, writes it to {@link COPY_LBA}, and ends the machine. */
// biome-ignore format: an instruction or two on each line
const BOOT_CODE = [
  0xfa, 0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xc0, // cli; xor ax, ax; mov ds, ax; mov es, ax
  0x8e, 0xd0, 0xbc, 0x00, 0x7c, 0xfb, // mov ss, ax; mov sp, 0x7c00; sti
  0x88, 0x16, 0x00, 0x06, // mov [0x600], dl: the drive
  0xb8, 0x01, 0x02, 0xbb, 0x00, 0x7e, // mov ax, 0x0201: read one sector; mov bx, 0x7e00
  0xb9, 0x02, 0x00, 0xb6, 0x00, 0xcd, 0x13, // mov cx, 2: LBA 1; mov dh, 0; int 0x13
  0xbe, 0x00, 0x7e, // mov si, 0x7e00
  0xac, 0x84, 0xc0, 0x74, 0x10, 0x50, // next: lodsb; test al, al; jz end; push ax
  0xba, 0xfd, 0x03, 0xec, 0xa8, 0x20, 0x74, 0xfb, // mov dx, 0x3fd; wait: in al, dx; test al, 0x20; jz wait
  0x58, 0xba, 0xf8, 0x03, 0xee, 0xeb, 0xeb, // pop ax; mov dx, 0x3f8; out dx, al; jmp next
  0xb8, 0x01, 0x03, 0xbb, 0x00, 0x7e, // end: mov ax, 0x0301: write one sector; mov bx, 0x7e00
  0xb9, COPY_LBA + 1, 0x00, 0x8a, 0x16, 0x00, 0x06, 0xb6, 0x00, 0xcd, 0x13, // mov cx; mov dl, [0x600]; mov dh, 0; int 0x13
  0xba, 0xf4, 0x00, 0xb0, 0x10, 0xee, // mov dx, 0xf4; mov al, 16; out dx, al
  0xf4, 0xeb, 0xfd, // hlt; and again
];

test.skipIf(missingMachines().length > 0)('iPXE boots from a unit', async () => {
  using scratch = new Scratch('boot');
  const disk = Buffer.alloc(IMAGE_SECTORS * SECTOR);
  disk.set(BOOT_CODE);
  disk.writeUInt16LE(0xaa55, SECTOR - 2);
  disk.write(`${LINE}\r\n`, SECTOR);
  const path = scratch.file('disk.img');
  writeFileSync(path, disk);
  await using target = await TargetProcess.start({ targets: [{ name: TARGET_NAME, luns: [{ lun: 0, path }] }] });
  writeFileSync(scratch.file('boot.ipxe'), `#!ipxe\nsanboot iscsi:${HOST_ADDRESS}::${target.port}:0:${TARGET_NAME}\n`);

  const network = ['-netdev', `user,id=net,tftp=${scratch.path},bootfile=boot.ipxe`];
  const { code, stdout } = await run('qemu-system-x86_64', [...network, ...MACHINE.split(' ')]);
  expect(stdout).toContain(LINE);
  expect(code).toBe(DONE);
  expect(
    readFileSync(path)
      .toString('latin1', COPY_LBA * SECTOR)
      .startsWith(LINE),
  ).toBe(true);
});
