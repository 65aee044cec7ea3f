// Linux in a virtual machine, with its own iSCSI initiator: disks as a kernel sees them. scripts/build-guest.sh makes what it boots.
// What is done with them is the tests' business. It is emulated, and so runs wherever qemu does.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { CLIENTS_CACHE } from './fio.ts';
import { repositoryRoot } from './repository.ts';
import { Scratch } from './scratch.ts';

const BUILD = join(repositoryRoot(), 'scripts/build-guest.sh');
/** The loopback of this machine, as guests of qemu see it. */
export const HOST_ADDRESS = '10.0.2.2';
const MACHINE =
  '-machine q35 -cpu max -accel tcg -m 1G -no-reboot -display none -monitor none -netdev user,id=net -device virtio-net-pci,netdev=net,romfile= -device virtio-rng-pci';
const BOOT_LIMIT_MS = 110_000;

/** What a command in the guest said, and how it ended. */
export interface GuestOutcome {
  readonly code: number;
  readonly output: string;
}

/** The directory with kernel and initramfs, or null. */
export function findGuest(): string | null {
  const { status, stdout } = spawnSync('bash', [BUILD, '--find', CLIENTS_CACHE], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : null;
}

/** How a session is to be negotiated, and who logs in: records of open-iscsi, below `node.`. */
export type NodeSettings = Readonly<Record<string, string>>;

/** A session of the guest, as open-iscsi numbers it. */
export interface GuestSession {
  readonly sid: number;
  readonly target: string;
  readonly portal: string;
}

/** A running guest. `await using` ends it. */
export class LinuxGuest implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #scratch: Scratch;
  readonly #ended: Promise<void>;
  #heard: string[] = [];
  #waits: ((outcome: GuestOutcome) => void) | null = null;

  private constructor(child: ChildProcess, scratch: Scratch) {
    this.#child = child;
    this.#scratch = scratch;
    this.#ended = new Promise((resolve) => child.once('close', () => resolve()));
    createInterface({ input: child.stdout! }).on('line', (line) => this.#hear(line));
  }

  /** Boots a guest and waits until it takes commands. */
  static async boot(): Promise<LinuxGuest> {
    const guest = findGuest()!;
    const scratch = new Scratch('guest');
    const [kernel, initramfs, console] = [join(guest, 'vmlinuz'), join(guest, 'initramfs'), scratch.file('console')];
    const lines = ['-serial', `file:${console}`, '-serial', 'stdio'];
    const boot = ['-kernel', kernel, '-initrd', initramfs, '-append', 'console=ttyS0 quiet panic=-1 mitigations=off'];
    const command = ['--pdeathsig', 'KILL', 'qemu-system-x86_64', ...MACHINE.split(' '), ...lines, ...boot];
    const child = spawn('setpriv', command, { stdio: ['pipe', 'pipe', 'inherit'] });
    const machine = new LinuxGuest(child, scratch);
    const ready = new Promise<GuestOutcome>((resolve) => {
      machine.#waits = resolve;
    });
    const late = AbortSignal.timeout(BOOT_LIMIT_MS);
    const failed = new Promise<never>((_, reject) => {
      late.addEventListener('abort', () => reject(new Error(`the guest did not boot\n${machine.console}`)));
      child.once('error', reject);
      machine.#ended.then(() => reject(new Error(`qemu ended\n${machine.console}`)));
    });
    try {
      await Promise.race([ready, failed]);
    } catch (error) {
      await machine[Symbol.asyncDispose]();
      throw error;
    }
    return machine;
  }

  /** Everything its kernel has said. */
  get console(): string {
    return existsSync(this.#scratch.file('console')) ? readFileSync(this.#scratch.file('console'), 'utf8') : '';
  }

  /** Runs a command for its shell. One at a time. */
  try(command: string): Promise<GuestOutcome> {
    return new Promise((resolve, reject) => {
      this.#waits = resolve;
      this.#ended.then(() => reject(new Error(`qemu ended during: ${command}\n${this.console}`)));
      this.#child.stdin!.write(`${Buffer.from(command).toString('base64')}\n`);
    });
  }

  /** As `try`, and throws unless the command ends with 0. */
  async run(command: string): Promise<string> {
    const { code, output } = await this.try(command);
    if (code !== 0) throw new Error(`${command}\nended with ${code}\n${output}\n${this.console.slice(-4000)}`);
    return output;
  }

  /** What a portal on this machine's loopback tells of targets: `address:port,tag name` of each. */
  async discover(port: number): Promise<string[]> {
    const said = await this.run(`iscsiadm -m discovery -t sendtargets -p ${HOST_ADDRESS}:${port}`);
    // It keeps a record of each.
    await this.run('iscsiadm -m node -o delete');
    return said.split('\n');
  }

  /** Logs in by a portal on this machine's loopback; 0, or why it could not: an exit status of iscsiadm. */
  async tryLogIn(target: string, port: number, settings: NodeSettings = {}): Promise<number> {
    const node = `iscsiadm -m node -T ${target} -p ${HOST_ADDRESS}:${port}`;
    const changes = Object.entries(settings).map(
      ([name, value]) => `${node} -o update -n 'node.${name}' -v '${value}'`,
    );
    await this.run([`${node} -o new`, ...changes].join(' && '));
    return (await this.try(`${node} --login`)).code;
  }

  /** As `tryLogIn`, and throws unless it succeeds. */
  async logIn(target: string, port: number, settings: NodeSettings = {}): Promise<GuestSession> {
    const code = await this.tryLogIn(target, port, settings);
    const portal = `${HOST_ADDRESS}:${port}`;
    const sid = new RegExp(`\\[(\\d+)\\] ${portal},\\S+ ${target}( |$)`, 'm').exec(
      (await this.try('iscsiadm -m session')).output,
    );
    if (code !== 0 || sid === null) throw new Error(`iscsiadm ended with ${code}\n${this.console.slice(-4000)}`);
    return { sid: Number(sid[1]), target, portal };
  }

  async logOut({ target, portal }: GuestSession): Promise<void> {
    const node = `iscsiadm -m node -T ${target} -p ${portal}`;
    await this.run(`${node} --logout && ${node} -o delete`);
  }

  /** The device that a unit has become, once it is there: `/dev/sda`. */
  async disk({ sid }: GuestSession, lun: number): Promise<string> {
    const directory = `/sys/devices/platform/host*/session${sid}/target*/*:${lun}/block`;
    const name = await this.run(`for i in $(seq 200); do ls ${directory} 2>/dev/null && exit; sleep 0.1; done; exit 1`);
    return `/dev/${name}`;
  }

  #hear(line: string): void {
    const exit = /^(.*)@(?:exit (\d+)|ready)$/.exec(line.trimEnd());
    if (exit === null) {
      this.#heard.push(line);
      return;
    }
    const output = [...this.#heard, exit[1]!].join('\n').trim();
    this.#heard = [];
    this.#waits?.({ code: Number(exit[2] ?? 0), output });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.pid !== undefined && this.#child.exitCode === null) this.#child.kill('SIGKILL');
    if (this.#child.pid !== undefined) await this.#ended;
    this.#scratch[Symbol.dispose]();
  }
}
