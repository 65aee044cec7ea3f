// A socket that takes datagrams, as a service manager has one: by a path or an abstract name. Node has none, so Python does it.
// What the datagrams should say is for the tests.

import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** Binds, says so, then prints each datagram as a line of JSON. */
const PROGRAM = `
import json, socket, sys
name = sys.argv[1]
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind('\\0' + name[1:] if name.startswith('@') else name)
print('"bound"', flush=True)
while True:
    print(json.dumps(listener.recv(65536).decode()), flush=True)
`;

/** Listens until it is disposed of. */
export class DatagramListener implements Disposable {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  }

  static async start(name: string): Promise<DatagramListener> {
    const command = ['--pdeathsig', 'KILL', 'python3', '-c', PROGRAM, name];
    const listener = new DatagramListener(spawn('setpriv', command, { stdio: ['ignore', 'pipe', 'inherit'] }));
    await listener.next();
    return listener;
  }

  /** The next datagram, come or yet to come. */
  async next(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error('the listener has ended');
    return JSON.parse(value) as string;
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL');
  }
}
