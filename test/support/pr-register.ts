// A program for the guest that does what no tool of Debian 12 does: it registers a key by the block layer's ioctl, and exits with what that answers.
// Machine code in the smallest ELF file that Linux on x86-64 takes; it is put there by its text in base64.

const BASE = 0x400000;
const ELF_HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;
const ENTRY = ELF_HEADER_BYTES + PROGRAM_HEADER_BYTES;

/** `_IOW('p', 200, struct pr_registration)`, linux/pr.h. */
const IOC_PR_REGISTER = 0x4018_70c8;
const REGISTRATION_BYTES = 24;
const NEW_KEY_AT = 8;

function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32LE(value, 4 * index);
  return bytes;
}

/** exit(ioctl(open(argv[1], O_RDWR), IOC_PR_REGISTER, what follows the code)) */
const CODE = Buffer.concat([
  Buffer.from('488b7c2410', 'hex'), // mov rdi, [rsp + 16]
  Buffer.from('6a025e6a02580f05', 'hex'), // rsi = O_RDWR, rax = open, syscall
  Buffer.from('89c7be', 'hex'), // mov edi, eax; mov esi, …
  words(IOC_PR_REGISTER),
  Buffer.from('488d150c000000', 'hex'), // lea rdx, [rip + 12]
  Buffer.from('6a10580f05', 'hex'), // rax = ioctl, syscall
  Buffer.from('89c76a3c580f05', 'hex'), // edi = eax, rax = exit, syscall
]);

/** The program, in base64. It takes a device, and registers `key`. */
export function registeringProgram(key: number): string {
  const bytes = ENTRY + CODE.length + REGISTRATION_BYTES;
  const identification = Buffer.from('7f454c46020101000000000000000000', 'hex');
  // ET_EXEC, EM_X86_64, version 1; entry; where program headers are, and no section headers; flags, sizes and counts.
  const header = [0x003e_0002, 1, BASE + ENTRY, 0, ELF_HEADER_BYTES, 0, 0, 0, 0, 0x0038_0040, 1, 0];
  // PT_LOAD, readable and executable: the whole file at BASE.
  const segment = [1, 5, 0, 0, BASE, 0, BASE, 0, bytes, 0, bytes, 0, 0x1000, 0];
  const registration = Buffer.alloc(REGISTRATION_BYTES);
  registration.writeUInt32LE(key, NEW_KEY_AT);
  return Buffer.concat([identification, words(...header, ...segment), CODE, registration]).toString('base64');
}
