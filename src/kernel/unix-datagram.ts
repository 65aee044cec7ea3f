// Datagrams to another process of this machine, by the path or the abstract name of its socket: what service managers take messages by.
// What the messages say is cli/service-manager.ts's.

import { LunaringError } from '../base/error.ts';
import { close, createUnixDatagram, sendDatagram } from './libc.ts';

/** sockaddr_un has room for so many bytes of a path, with the NUL behind it, and of an abstract name, with the NUL before it. */
const NAME_BYTES_MAX = 108;
const FAMILY_BYTES = 2;
const AF_UNIX = 1;

/** The address of a socket: a path, or `@` and an abstract name (unix(7)). */
function addressOf(name: string): Uint8Array {
  const abstract = name.startsWith('@');
  const bytes = Buffer.from(abstract ? `\0${name.slice(1)}` : `${name}\0`);
  if (bytes.length > NAME_BYTES_MAX || !/^[/@]./.test(name)) {
    throw new LunaringError(
      'LUNARING_SOCKET_NAME',
      `${name}: no path, and no abstract name, of at most ${NAME_BYTES_MAX - 1} bytes`,
    );
  }
  const address = Buffer.alloc(FAMILY_BYTES + bytes.length);
  address.writeUInt16LE(AF_UNIX);
  address.set(bytes, FAMILY_BYTES);
  return address;
}

/** Sends to one socket. */
export class UnixDatagram implements Disposable {
  readonly #fd: number;
  readonly #address: Uint8Array;

  /** Throws a {@link LunaringError} for a name that can't be one, and where the C library can't be reached. Whether anybody listens shows at the first {@link send}. */
  constructor(name: string) {
    this.#address = addressOf(name);
    this.#fd = createUnixDatagram();
  }

  /** Throws a KernelError: nobody listens (ENOENT, ECONNREFUSED), or has no room for it now (EAGAIN). */
  send(text: string): void {
    sendDatagram(this.#fd, Buffer.from(text), this.#address);
  }

  [Symbol.dispose](): void {
    close(this.#fd);
  }
}
